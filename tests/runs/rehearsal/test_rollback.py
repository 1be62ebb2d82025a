"""`archmig rollback`: one step back, after a rehearsal of it, and no row goes that nobody said may go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from architect_migrate.config.context import context_for
from architect_migrate.config.loader import read_project
from architect_migrate.core.chain_errors import ChangedMeanwhileError
from architect_migrate.ledger import store
from architect_migrate.runs.rehearsal.rollback import Losing, preview_rollback, rollback
from support.cli import archmig, ask, build, executable, execute, plainly, primed
from support.scenarios import own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

BLOCKED = """
home: up to date, blocked by 1 finding
  home: 2 values of column notes.due would be lost
    -> save them first, or allow their loss: archmig rollback -e home --lose-rows
"""
ROWS = "UPDATE notes SET due = '2026-02-10'"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    plainly(monkeypatch)
    return tmp_path


def at(path: Path) -> list[tuple[object, ...]]:
    return sorted(ask(path, "SELECT version_num FROM alembic_version"))


def test_the_newest_revision_is_taken_back_after_a_rehearsal_that_is_shown(folder: Path) -> None:
    done = executable("rollback", "-e", "home", "--yes", cwd=primed(folder))
    assert done.code == 0
    assert done.err.startswith("home: downgrade to 002 would go through (rehearsal 1)\n")
    assert "home         up to date    done     003   002" in done.out
    assert at(folder / "home.db") == [("002_tags",)]
    first, last = store.entries(folder / ".archmig" / "ledger.db")
    assert (first.action, last.action, last.fact("rehearsal")) == ("rehearse", "rollback", "1")
    assert last.backup


def test_what_would_be_lost_is_refused_though_yes_was_said(folder: Path) -> None:
    execute(folder / "home.db", ROWS)
    before = (folder / "home.db").read_bytes()
    for words in (("--yes",), ("--dry-run",)):
        done = archmig("rollback", "-e", "home", *words)
        assert (done.code, BLOCKED.strip() in done.out) == (1, True), done.out
    assert (folder / "home.db").read_bytes() == before


def test_what_is_told_to_go_goes_and_undo_brings_it_back(folder: Path) -> None:
    execute(folder / "home.db", ROWS)
    done = archmig("rollback", "-e", "home", "--lose-rows", "--yes")
    assert (done.code, "  loses 2 values of column notes.due\n" in done.err) == (0, True)
    assert at(folder / "home.db") == [("002_tags",)]
    assert archmig("undo", "-e", "home", "--yes").code == 0
    assert ask(folder / "home.db", "SELECT DISTINCT due FROM notes") == [("2026-02-10",)]


def test_lose_rows_alone_is_no_yes(folder: Path) -> None:
    done = archmig("rollback", "-e", "home", "--lose-rows")
    assert (done.code, "stdin is not a terminal" in done.err, at(folder / "home.db")) == (2, True, [("003_due",)])


def test_rows_that_a_downgrade_deletes_are_seen_on_the_copy(folder: Path) -> None:
    """No schema says so: only the run does."""
    file = folder / "chain" / "versions" / "003_due.py"
    file.write_text(file.read_text() + "    op.execute('DELETE FROM notes WHERE id = 1')\n")
    done = archmig("rollback", "-e", "home", "--yes")
    assert (done.code, "home: 1 row of table notes would be lost" in done.out) == (1, True)
    assert len(ask(folder / "home.db", "SELECT * FROM notes")) == 2


def test_rows_that_came_between_rehearsal_and_lock_are_not_lost(folder: Path) -> None:
    project = read_project(folder / "environments.toml", {})
    context = context_for(project, project.environments[0], None)
    shown = preview_rollback(context, lambda *_: None, None, Losing.REFUSED).result
    assert (shown.losses, shown.plan is not None) == ((), True)
    execute(folder / "home.db", ROWS)
    assert shown.plan is not None
    with pytest.raises(ChangedMeanwhileError):
        rollback(context, shown.plan, lambda *_: None, None, Losing.REFUSED)
    assert at(folder / "home.db") == [("003_due",)]


def test_a_downgrade_that_fails_on_the_copy_is_not_tried_on_the_database(folder: Path) -> None:
    file = folder / "chain" / "versions" / "003_due.py"
    file.write_text(file.read_text().replace("DROP INDEX ix_notes_due", "DROP INDEX ix_nothing"))
    done = archmig("rollback", "-e", "home", "--yes", "--json")
    (told,) = json.loads(done.out)["environments"]
    assert (done.code, told["outcome"], told["error"]["type"]) == (2, "failed", "RehearsalFailedError")
    assert (told["plan"], at(folder / "home.db")) == (None, [("003_due",)])


def test_the_document_tells_the_rehearsal_and_what_went(folder: Path) -> None:
    execute(folder / "home.db", ROWS)
    done = archmig("rollback", "-e", "home", "--yes", "--lose-rows", "--json")
    (told,) = json.loads(done.out)["environments"]
    assert (told["outcome"], told["rehearsal"], told["to"]) == ("done", 1, ["002_tags"])
    assert told["losses"] == [{"object": "column notes.due", "rows": 2, "unless": None}]


def test_a_drifted_database_is_reconciled_first(folder: Path) -> None:
    done = archmig("rollback", "-e", "lost", "--yes")
    assert (done.code, "run archmig reconcile first" in done.out) == (1, True)


def test_from_base_there_is_no_way_back(folder: Path) -> None:
    for name in ("empty", "gone"):
        done = archmig("rollback", "-e", name, "--yes")
        assert (done.code, "nothing to do" in done.out) == (0, True)


def test_a_required_rehearsal_is_the_one_that_it_makes(folder: Path) -> None:
    text = (folder / "environments.toml").read_text()
    (folder / "environments.toml").write_text(text.replace('"home.db"', '"home.db"\nrequire_rehearsal = true'))
    assert archmig("rollback", "-e", "home", "--yes").code == 0


FORK = {
    "1_trunk": revision(None, "CREATE TABLE a (id INTEGER)"),
    "2_trunk": revision("1_trunk", "CREATE TABLE b (id INTEGER)").replace(
        "def downgrade():\n    pass", "def downgrade():\n    op.execute('DROP TABLE b')"
    ),
    "2_dev": revision("1_trunk", "CREATE TABLE c (id INTEGER)", more="branch_labels = ('dev',)").replace(
        "def downgrade():\n    pass", "def downgrade():\n    op.execute('DROP TABLE c')"
    ),
}


def test_of_several_heads_one_has_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_chain(tmp_path, FORK)
    script(tmp_path / "it.db", *(f"CREATE TABLE {one} (id INTEGER)" for one in "abc"), *stamp("2_trunk", "2_dev"))
    (tmp_path / "environments.toml").write_text('[env.it]\npath = "it.db"\nheads = ["head", "dev"]\n')
    monkeypatch.chdir(tmp_path)
    refused = archmig("rollback", "-e", "it", "--yes")
    assert refused.code == 2
    assert (
        "archmig: it: it has 2 heads, 2_trunk, 2_dev; a rollback goes back from one of them (name it: --head 2_dev)"
        in refused.err
    )
    unknown = archmig("rollback", "-e", "it", "--yes", "--head", "9")
    assert (unknown.code, "it has no single head 9" in unknown.err) == (2, True)
    assert archmig("rollback", "-e", "it", "--yes", "--head", "2_dev").code == 0
    assert at(tmp_path / "it.db") == [("2_trunk",)]
