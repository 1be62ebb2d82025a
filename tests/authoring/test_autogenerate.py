"""`archmig new --autogenerate`: models against the replayed chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import archmig
from support.scenarios import INI, own_chain, revision

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = "CREATE TABLE people (id INTEGER NOT NULL, PRIMARY KEY (id))"
ENV = """from alembic import context
from sqlalchemy import create_engine
{imports}

with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection, {options})
    with context.begin_transaction():
        context.run_migrations()
"""
MODELS = """import sqlalchemy as sa

metadata = sa.MetaData()
sa.Table("people", metadata, sa.Column("id", sa.Integer, primary_key=True){more})
"""
NAME = ', sa.Column("name", sa.String(40))'


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose chain makes `people`, and whose models give it a name."""
    monkeypatch.chdir(tmp_path)
    own_chain(tmp_path, {"001_people": revision(None, PEOPLE)})
    (tmp_path / "alembic.ini").write_text(
        f"{INI}prepend_sys_path = .\npath_separator = os\nsqlalchemy.url = sqlite:///app.db\n", encoding="utf-8"
    )
    (tmp_path / "alembic" / "script.py.mako").write_text(TEMPLATE, encoding="utf-8")
    env_py(tmp_path, "from models import metadata", "target_metadata=metadata")
    models(tmp_path, NAME)
    return tmp_path


TEMPLATE = """\"\"\"${message}\"\"\"
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""


def env_py(folder: Path, imports: str, options: str) -> None:
    (folder / "alembic" / "env.py").write_text(ENV.format(imports=imports, options=options), encoding="utf-8")


def models(folder: Path, more: str) -> None:
    (folder / "models.py").write_text(MODELS.format(more=more), encoding="utf-8")


def test_a_revision_of_what_the_models_have_beyond_the_chain_is_written_without_a_database(place: Path) -> None:
    done = archmig("new", "Names", "--autogenerate")
    assert (done.code, done.out, done.err) == (
        0,
        "alembic/versions/002_names.py\n",
        "002_names comes after 001_people\n",
    )
    text = (place / "alembic" / "versions" / "002_names.py").read_text(encoding="utf-8")
    assert "op.add_column('people', sa.Column('name', sa.String(length=40), nullable=True))" in text
    assert "op.drop_column('people', 'name')" in text
    assert not (place / "app.db").exists()


def test_models_that_have_nothing_more_write_nothing(place: Path) -> None:
    models(place, "")
    done = archmig("new", "Nothing", "--autogenerate")
    assert (done.code, done.out) == (2, "")
    assert "the models have nothing that the chain lacks (nothing was written)" in done.err


def test_options_of_env_py_are_honoured(place: Path) -> None:
    options = "target_metadata=metadata, render_as_batch=True, include_name=lambda name, kind, _: name != 'hidden'"
    env_py(place, "from models import metadata", options)
    models(place, f'{NAME})\nsa.Table("hidden", metadata, sa.Column("id", sa.Integer, primary_key=True)')
    done = archmig("new", "Names", "--autogenerate", "--dry-run")
    assert "with op.batch_alter_table('people', schema=None) as batch_op:" in done.out
    assert [path.name for path in (place / "alembic" / "versions").glob("*.py")] == ["001_people.py"]


def test_models_can_be_named_where_env_py_has_none(place: Path) -> None:
    env_py(place, "", "target_metadata=None")
    done = archmig("new", "Names", "--autogenerate")
    assert done.code == 2
    assert "name the models with --models MODULE:METADATA, or set target_metadata in env.py" in " ".join(
        done.err.split()
    )
    named = archmig("new", "Names", "--autogenerate", "--models", "models:metadata", "--dry-run")
    assert "op.add_column('people'" in named.out


def test_what_the_revision_leaves_different_is_told(place: Path) -> None:
    hook = "def less(context, revision, made):\n    made[0].upgrade_ops.ops[:] = made[0].upgrade_ops.ops[:1]\n"
    env_py(
        place, f"from models import metadata\n\n{hook}", "target_metadata=metadata, process_revision_directives=less"
    )
    models(place, f'{NAME})\nsa.Table("pets", metadata, sa.Column("id", sa.Integer, primary_key=True)')
    done = archmig("new", "Pets", "--autogenerate")
    assert "the models still differ from the chain with it, by Alembic's comparison: " in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--autogenerate", "--sql"), "--autogenerate writes the functions itself"),
        (("--models", "m:x"), "--models needs --autogenerate"),
    ],
)
def test_options_that_contradict_each_other_are_refused(place: Path, words: tuple[str, ...], told: str) -> None:
    done = archmig("new", "X", *words)
    assert done.code == 2
    assert told in done.err
