"""Whose history it is: another chain's is never used, and what the chain's code says or asks is told as that."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from support.cli import ask, forked

ENV = """from alembic import context
from sqlalchemy import engine_from_config, pool
config = context.config
options = config.get_section(config.config_ini_section)
engine = engine_from_config(options, prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        {run}
"""
ENVIRONMENTS = """[alembic]
config = "alembic.ini"
[env.a]
path = "a.db"
uninitialised = "create"
[env.b]
path = "b.db"
uninitialised = "create"
"""
PEOPLE = 'op.create_table("people", sa.Column("id", sa.Integer, primary_key=True))'


def project(folder: Path, *, run: str = "context.run_migrations()", extra: str = "") -> Path:
    (folder / "chain").mkdir(parents=True)
    ini = f"[alembic]\nscript_location = %(here)s/chain\npath_separator = os\nsqlalchemy.url = sqlite:///x.db\n{extra}"
    (folder / "alembic.ini").write_text(ini, encoding="utf-8")
    (folder / "chain" / "env.py").write_text(ENV.format(run=run), encoding="utf-8")
    (folder / "environments.toml").write_text(ENVIRONMENTS, encoding="utf-8")
    return folder


def revision(folder: Path, name: str, down: str | None, *lines: str, versions: str = "chain/versions") -> None:
    (folder / versions).mkdir(parents=True, exist_ok=True)
    body = "".join(f"    {line}\n" for line in lines)
    text = f"import sqlalchemy as sa\nfrom alembic import op\nrevision = {name!r}\ndown_revision = {down!r}\n\n"
    text += f"def upgrade():\n{body}\ndef downgrade():\n    pass\n"
    (folder / versions / f"{name}.py").write_text(text, encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path / "shop"


def test_a_new_revision_in_a_folder_outside_is_pending(place: Path) -> None:
    project(place, extra="version_locations = %(here)s/core/versions:%(here)s/plugin/versions\n")
    revision(place, "c1", None, PEOPLE, versions="core/versions")
    revision(place, "p1", None, PEOPLE.replace("people", "badges"), versions="plugin/versions")
    assert forked("upgrade", "-e", "a", "--yes", cwd=place).code == 0
    assert forked("check", "-e", "a", cwd=place).code == 0
    colour = 'op.add_column("badges", sa.Column("colour", sa.String(9)))'
    revision(place, "p2", "p1", colour, versions="plugin/versions")
    checked = forked("check", "-e", "a", cwd=place)
    assert (checked.code, "1 pending" in checked.out) == (1, True)
    assert forked("reconcile", "-e", "a", "--yes", cwd=place).code == 0
    assert forked("check", "-e", "a", cwd=place).code == 0


def test_another_project_with_the_same_files_around_its_revisions_keeps_its_own_chain(place: Path) -> None:
    other = place.parent / "garage"
    for folder, table in ((place, "people"), (other, "cars")):
        project(folder, extra="version_locations = %(here)s/core/versions\n")
        revision(folder, "c1", None, PEOPLE.replace("people", table), versions="core/versions")
        assert forked("upgrade", "-e", "a", "--yes", cwd=folder).code == 0
    for folder in (place, other, place):
        checked = forked("check", "-e", "a", cwd=folder)
        assert (checked.code, "clean" in checked.out) == (0, True)


def test_an_edited_helper_module_is_noticed(place: Path) -> None:
    project(place)
    (place / "shopapp").mkdir()
    (place / "shopapp" / "tables.py").write_text("COLUMNS = ['name']\n", encoding="utf-8")
    columns = "op.create_table('things', *(sa.Column(each, sa.String(9)) for each in COLUMNS))"
    revision(place, "a1", None, "from shopapp.tables import COLUMNS", columns)
    assert forked("upgrade", "-e", "a", "--yes", cwd=place).code == 0
    assert forked("check", "-e", "a", cwd=place).code == 0
    (place / "shopapp" / "tables.py").write_text("COLUMNS = ['name', 'size']\n", encoding="utf-8")
    assert forked("check", "-e", "a", cwd=place).code == 1
    assert "column things.size" in forked("diagnose", "-e", "a", cwd=place).out


def test_each_database_has_its_own_token_and_the_cache_is_the_users_alone(place: Path) -> None:
    project(place)
    values = "v=secrets.token_hex(8), a=str(datetime.datetime.now())"
    revision(
        place,
        "001",
        None,
        "import datetime, secrets",
        'op.execute("CREATE TABLE k (v TEXT, at TEXT)")',
        f'op.execute(sa.text("INSERT INTO k VALUES (:v, :a)").bindparams({values}))',
        'op.execute("CREATE TABLE m AS SELECT hex(randomblob(8)) AS token")',
    )
    assert forked("reconcile", "--all", "--yes", cwd=place).code == 0
    assert forked("check", "--all", cwd=place).code == 0
    (first,), (second,) = (ask(place / f"{name}.db", "SELECT v, at, token FROM k, m") for name in "ab")
    assert all(one != other for one, other in zip(first, second, strict=True))
    cache = Path(os.environ["ARCHMIG_CACHE"])
    assert {path.stat().st_mode & 0o077 for path in cache.glob("*.json")} == {0}


def test_a_replay_that_an_env_py_cut_short_is_an_error_at_its_revision(place: Path) -> None:
    project(place, run="try: context.run_migrations()\n        except Exception: pass")
    revision(place, "001", None, PEOPLE)
    revision(place, "002", "001", 'op.execute("ALTER TABLE nope ADD COLUMN b INTEGER")')
    done = forked("status", cwd=place)
    assert (done.code, done.out) == (2, "")
    assert "at revision 002: chain/versions/002.py, line 7: OperationalError: no such table: nope" in done.err
    assert "which env.py ignores" in done.err


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("pass", "chain/env.py: it does not run the chain (context.run_migrations())"),
        ("import os; os._exit(0)", "its process ended with code 0"),
        ("os.environ['NOPE']", "chain/env.py, line 9: NameError: name 'os' is not defined"),
        ("import nothing_of_this_name", "chain/env.py, line 9: ModuleNotFoundError"),
    ],
)
def test_an_env_py_that_does_not_run_the_chain_is_named(place: Path, run: str, said: str) -> None:
    project(place, run=run)
    revision(place, "001", None, PEOPLE)
    done = forked("status", cwd=place)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "correct the revision" not in done.err


def test_a_revision_that_ends_the_process_is_named(place: Path) -> None:
    project(place)
    revision(place, "001", None, PEOPLE)
    revision(place, "002", "001", "import os; os._exit(3)")
    done = forked("status", cwd=place)
    assert (done.code, "at revision 002: its process ended with code 3" in done.err) == (2, True)


PRINTS = (
    "import os, subprocess, sys",
    "print('by print')",
    "sys.__stdout__.write('by __stdout__\\n')",
    "os.write(1, b'by descriptor\\n')",
    "os.environ.get('ARCHMIG_REPLAY') or subprocess.run(['echo', 'by another program'], check=True)",
    "op.add_column('people', sa.Column('name', sa.String(9)))",
)


def test_what_the_chain_prints_is_no_part_of_a_document(place: Path) -> None:
    project(place)
    with (place / "chain" / "env.py").open("a", encoding="utf-8") as file:
        file.write("print('by env.py')\n")
    revision(place, "001", None, PEOPLE)
    assert forked("upgrade", "-e", "a", "--yes", cwd=place).code == 0
    revision(place, "002", "001", *PRINTS)
    done = forked("--json", "reconcile", "--env", "a", "--yes", cwd=place)
    assert (done.code, json.loads(done.out)["environments"][0]["outcome"]) == (0, "done")
    for word in ("print", "__stdout__", "descriptor", "another program", "env.py"):
        assert f"by {word}\n" in done.err


@pytest.mark.parametrize(
    "question",
    [
        "input('Email: ')",
        "import sys; sys.stdin.readline()",
        "import getpass; getpass.getpass()",
        "from getpass import getpass; getpass()",
    ],
)
def test_a_question_gets_no_answer_and_is_told(place: Path, question: str) -> None:
    project(place)
    revision(place, "001", None, PEOPLE)
    assert forked("upgrade", "-e", "a", "--yes", cwd=place).code == 0
    # The first asks in a replay as well, the second only where there are rows.
    revision(place, "002", "001", question, "op.add_column('people', sa.Column('name', sa.String(9)))")
    done = forked("upgrade", "-e", "a", "--yes", cwd=place)
    assert (done.code, "002" in done.err, "it asks for input and gets none" in done.err) == (2, True, True)
    revision(place, "002", "001", f"import os\n    if not os.environ.get('ARCHMIG_REPLAY'): {question}", "pass")
    done = forked("upgrade", "-e", "a", "--yes", cwd=place)
    assert (done.code, "002" in done.err, "it asks for input and gets none" in done.err) == (2, True, True)
