"""The statements of downgrades are printed without a database, or left out where they need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.chain_config import beside
from architect_migrate.revisions.offline import offline_downgrades
from support.cli import archmig, build, plainly

if TYPE_CHECKING:
    from pathlib import Path

BATCH = """
def downgrade():
    with op.batch_alter_table("notes") as batch:
        batch.drop_column("due")
"""
ASKS = """
def downgrade():
    op.get_bind().exec_driver_sql("SELECT 1").scalar()
"""
NOTHING = """
def downgrade():
    pass
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    plainly(monkeypatch)
    return tmp_path


def test_each_downgrade_has_its_own_statements(folder: Path) -> None:
    assert offline_downgrades(beside(folder / "alembic.ini"), ("003_due", "002_tags")) == {
        "003_due": "DROP INDEX ix_notes_due;\n\nALTER TABLE notes DROP COLUMN due;",
        "002_tags": "DROP TABLE tags;",
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (BATCH, "-- 003_due: the statements of downgrade() are known only when it runs\n"),
        (ASKS, "-- 003_due: the statements of downgrade() are known only when it runs\n"),
        (NOTHING, "-- 003_due: downgrade() runs no statement\n"),
    ],
)
def test_what_is_known_only_when_it_runs_is_said_in_a_comment(folder: Path, body: str, said: str) -> None:
    file = folder / "chain" / "versions" / "003_due.py"
    file.write_text(f"{file.read_text()}\n{body}")
    before = (folder / "home.db").read_bytes()
    done = archmig("downgrade", "-1", "home", "--sql")
    assert done.code == 1, done.err
    assert f"\n-- take back revision 003_due\n{said}\n-- stamp 002_tags\n" in done.out
    assert (folder / "home.db").read_bytes() == before
