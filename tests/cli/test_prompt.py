"""The prompt before a change says what a yes would do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from support.cli import build, execute, plainly, primed
from support.terminal import typed

if TYPE_CHECKING:
    from pathlib import Path

REBUILDING = """
def upgrade():
    import sqlalchemy as sa

    with op.batch_alter_table("notes", recreate="always") as batch:
        batch.add_column(sa.Column("due", sa.Text))
    op.execute("CREATE INDEX ix_notes_due ON notes (due)")
    op.execute("INSERT INTO tags (name) VALUES ('due')")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(primed(build(tmp_path)))
    plainly(monkeypatch)
    return tmp_path


def prompted(folder: Path, *words: str) -> str:
    """What stands on stderr after the plans, up to the first question, which is answered with no."""
    code, err = typed(folder, "n\nn\nn\n", *words)
    assert code == 1, err
    return err[err.index("\n\n") + 1 : err.index("[y/N]")]


def test_it_says_how_much_is_changed_what_is_blocked_and_where_backups_go(folder: Path) -> None:
    config = folder / "environments.toml"
    config.write_text(f"{config.read_text()}\n[env.broken]\npath = 'broken.db'\nrepair = 'none'\n")
    (folder / "broken.db").write_bytes((folder / "lost.db").read_bytes())
    assert prompted(folder, "reconcile", "behind", "broken", "home") == (
        "\n1 database to change, 2 steps\n"
        "  tables rebuilt: none\n"
        "  blocked, not changed: broken: "
        "broken: 1 repair step is needed, and this environment's policy allows none\n"
        f"  backups go to {folder}/.archmig/backups\n"
        "reconcile behind? "
    )


def test_it_counts_the_rows_of_tables_that_are_rebuilt_and_names_those_that_revisions_write(folder: Path) -> None:
    file = folder / "chain" / "versions" / "003_due.py"
    file.write_text(f"{file.read_text()}\n{REBUILDING}")
    assert prompted(folder, "upgrade", "behind") == (
        "\n1 database to change, 2 steps\n"
        "  tables rebuilt: 1, which rewrites 2 rows: behind notes (2)\n"
        "  revisions also write rows of behind tags\n"
        f"  backups go to {folder}/.archmig/backups\n"
        "upgrade behind? "
    )


def test_a_downgrade_says_that_its_statements_are_not_known(folder: Path) -> None:
    assert prompted(folder, "downgrade", "-1", "home") == (
        "\n1 database to change, 2 steps\n"
        "  tables rebuilt: none\n"
        "  a downgrade() may rewrite other rows: its statements are known only when it runs\n"
        f"  backups go to {folder}/.archmig/backups\n"
        "downgrade home? "
    )


def test_it_counts_the_rows_of_tables_that_a_repair_rebuilds(folder: Path) -> None:
    execute(
        folder / "behind.db",
        "DROP TABLE notes; CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT);"
        "INSERT INTO notes VALUES (1, 'one'), (2, 'two'), (3, 'three')",
    )
    assert prompted(folder, "reconcile", "behind") == (
        "\n1 database to change, 3 steps\n"
        "  tables rebuilt: 1, which rewrites 3 rows: behind notes (3)\n"
        f"  backups go to {folder}/.archmig/backups\n"
        "reconcile behind? "
    )


FILLING = """
def upgrade():
    op.execute("ALTER TABLE notes ADD COLUMN due TEXT")
    op.execute("UPDATE notes SET due = 'soon'")
    op.execute("CREATE INDEX ix_notes_due ON notes (due)")
"""
QUESTION = """
behind: 003_due (Due dates of notes): cannot tell whether its rows are there:
  the stamp stops before it, but the schema has what it makes or what comes
  after it; notes.due holds nothing but NULL, which suggests run
  what it does to rows:
    UPDATE notes SET due = '…'
  run   runs its statements
  done  says that the rows are as it leaves them
  skip  leaves the rows as they are
rows of 003_due on behind? [run/done/skip; anything else leaves behind as it is]"""


@pytest.fixture
def half_filled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with a revision whose run was killed before it filled its column."""
    monkeypatch.setenv("COLUMNS", "80")
    file = folder / "chain" / "versions" / "003_due.py"
    file.write_text(f"{file.read_text()}\n{FILLING}")
    execute(folder / "behind.db", "ALTER TABLE notes ADD COLUMN due TEXT")
    return folder


def test_it_asks_about_rows_in_plain_words_and_runs_what_it_is_told(half_filled: Path) -> None:
    code, err = typed(half_filled, "run\ny\n", "reconcile", "behind")
    assert code == 0, err
    assert err.startswith(QUESTION)
    assert "rows of 003_due: run, by an answer for this run" in " ".join(err.split())
    with closing(sqlite3.connect(half_filled / "behind.db")) as connection:
        assert connection.execute("SELECT DISTINCT due FROM notes").fetchall() == [("soon",)]


def test_any_other_answer_leaves_the_database_blocked(half_filled: Path) -> None:
    before = (half_filled / "behind.db").read_bytes()
    code, err = typed(half_filled, "perhaps\n", "reconcile", "behind")
    assert (code, err.startswith(QUESTION)) == (1, True)
    assert (half_filled / "behind.db").read_bytes() == before
