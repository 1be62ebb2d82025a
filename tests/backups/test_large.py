"""Of a large database no row is read that a run did not write, and backup, restore, undo and prune keep their word."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from architect_migrate.backups.prune import planned_removals
from architect_migrate.backups.record import copies, read_record, record_file, write_record
from architect_migrate.backups.restore import preview, restore
from architect_migrate.backups.service import catalogue, complete, create, verify
from architect_migrate.backups.undo import preview_undo
from architect_migrate.core.database_errors import CommitFailedError, DatabaseError, RestoreError
from architect_migrate.databases.sqlite import connection as database
from architect_migrate.databases.sqlite.connection import reading
from architect_migrate.databases.sqlite.files import backup
from architect_migrate.databases.sqlite.files.same_file import file_digest
from architect_migrate.databases.sqlite.rows import content
from architect_migrate.databases.sqlite.rows.content import content_of
from architect_migrate.databases.values import Unread
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import preview as preview_reconcile
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import Home, ask, moment, own_chain, revision, script, stamp

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from architect_migrate.backups.record import Copy
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.sqlite.rows.exact import RowTable

CREATE = "CREATE TABLE events (id INTEGER PRIMARY KEY, kind TEXT)"
CHAIN = {
    "001": revision(None, CREATE, "CREATE TABLE kinds (kind TEXT)"),
    "002": revision("001", "ALTER TABLE events ADD COLUMN mood TEXT DEFAULT 'it''s calm'", "CREATE TABLE moods (a)"),
}


@pytest.fixture(autouse=True)
def _every_database_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_LARGE", 0)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A database that says that it is at head, and lacks a column."""
    home = own_chain(tmp_path, CHAIN)
    script(home.database, CREATE, "CREATE TABLE kinds (kind TEXT)", "CREATE TABLE moods (a)")
    script(home.database, "INSERT INTO events VALUES (1, 'a'), (5, x'00'), (9, NULL)", "INSERT INTO kinds VALUES ('a')")
    script(home.database, *stamp("002"))
    return home


def _repaired(home: Home) -> EnvironmentContext:
    context = home.context()
    shown = preview_reconcile(context)
    assert shown.plan is not None
    assert reconcile(context, shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert ask(home.database, "SELECT mood FROM events") == [("it's calm",)] * 3
    return context


def _only(context: EnvironmentContext) -> Copy:
    (copy,) = catalogue(context)
    return copy


def _spoilt(copy: Copy) -> None:
    """One value of a row becomes another, in a file of the same size."""
    script(copy.path, "UPDATE kinds SET kind = 'b'")


def test_a_column_is_added_without_reading_a_row_of_its_table(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    rows_of = content._rows_of

    def noted(connection: sqlite3.Connection, table: RowTable) -> object:
        read.append(table.name)
        return rows_of(connection, table)

    monkeypatch.setattr(content, "_rows_of", noted)
    monkeypatch.setattr(backup, "_same_rows", lambda *_: pytest.fail("rows were compared"))
    context = _repaired(home)
    assert read == ["alembic_version"]
    record = _only(context).record
    assert record is not None
    assert record.after is not None
    assert record.file == record.digest == file_digest(_only(context).path)
    assert record.content.tables == {
        "alembic_version": Unread(1),
        "events": Unread(3),
        "kinds": Unread(1),
        "moods": Unread(0),
    }
    assert record.after.tables["events"] == Unread(3, (("mood", "text", "697427732063616C6D"),))
    assert json.loads(record_file(_only(context).path).read_text())["version"] == 2


def test_what_is_recorded_is_what_reading_gives(home: Home) -> None:
    with reading(home.database) as live:
        before = content_of(live)
    context = _repaired(home)
    copy = _only(context)
    assert copy.record is not None
    assert copy.record.after is not None
    with reading(home.database) as live:
        assert complete(copy.path, copy.record.after) == content_of(live)
    assert complete(copy.path, copy.record.content) == before


def test_the_run_is_undone_and_the_undo_too(home: Home) -> None:
    before = moment(home.database)
    context = _repaired(home)
    after = moment(home.database)
    for expected in (before, after, before):
        found = preview_undo(context)
        assert found.restoration is not None
        restore(context, found.restoration, "undo")
        assert moment(home.database) == expected


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("UPDATE events SET mood = 'bad' WHERE id = 5", "table events: other values in its 3 rows"),
        ("UPDATE events SET kind = CAST(kind AS TEXT) WHERE id = 5", "table events: other values in its 3 rows"),
        ("INSERT INTO kinds VALUES ('c')", "table kinds: has 2 rows, had 1"),
    ],
)
def test_an_undo_tells_what_was_written_since(home: Home, written: str, told: str) -> None:
    context = _repaired(home)
    script(home.database, written)
    found = preview_undo(context)
    assert (found.restoration, found.since) == (None, (told,))


def test_a_value_that_is_written_as_it_was_is_no_difference(home: Home) -> None:
    context = _repaired(home)
    script(home.database, "UPDATE events SET mood = mood", "VACUUM")
    assert preview_undo(context).planned


def test_a_run_that_never_committed_does_not_count(home: Home) -> None:
    context = _repaired(home)
    copy = _only(context)
    home.database.write_bytes(copy.path.read_bytes())
    found = preview_undo(context)
    assert (found.restoration, found.since) == (None, ())


def test_a_backup_that_changed_is_told_and_neither_restored_nor_undone(home: Home) -> None:
    context = _repaired(home)
    assert (verify(_only(context)).problem, verify(_only(context)).tables, verify(_only(context)).rows) == ("", 4, 5)
    _spoilt(_only(context))
    problem = "changed since it was taken: its file has other bytes"
    assert verify(_only(context)).problem == problem
    for refused in (preview, lambda context, _: preview_undo(context)):
        with pytest.raises(RestoreError) as raised:
            refused(context, _only(context))
        assert raised.value.problem == problem


def test_a_backup_that_is_no_database_any_more_is_told(home: Home) -> None:
    context = _repaired(home)
    _only(context).path.write_bytes(b"x" * _only(context).size)
    with pytest.raises(RestoreError, match="damaged"):
        preview_undo(context)


def test_prune_removes_only_what_is_elsewhere(home: Home) -> None:
    context = replace(home.context(), keep=1, max_age=None)
    for change in ("SELECT 1", "UPDATE kinds SET kind = 'z'", "SELECT 1"):
        assert create(context) is not None
        script(home.database, change)
    kept = "nothing else has 1 of its rows of table kinds"
    assert [pruned.kept_for for pruned in planned_removals(context)] == [kept, ""]


def test_prune_keeps_a_backup_that_changed(home: Home) -> None:
    context = replace(home.context(), keep=1, max_age=None)
    for _ in range(2):
        assert create(context) is not None
    _spoilt(copies(context.backups)[0])
    (pruned,) = planned_removals(context)
    assert pruned.kept_for == "changed since it was taken: its file has other bytes"
    assert list(planned_removals(context)) == []


@pytest.mark.parametrize(("statement", "outcome"), [("COMMIT", "done"), ("ROLLBACK", "failed")])
def test_after_a_failed_commit_the_content_of_the_file_decides(
    home: Home, statement: str, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(connection: sqlite3.Connection, path: Path) -> None:
        connection.execute(statement)
        raise CommitFailedError(str(path), "disk I/O error")

    context = home.context()
    shown = preview_reconcile(context)
    assert shown.plan is not None
    monkeypatch.setattr(database, "_commit", failing)
    if outcome == "done":
        result = reconcile(context, shown.plan, lambda *_: None)
        assert (result.outcome, len(result.warnings)) == (Outcome.DONE, 1)
        return
    with pytest.raises(DatabaseError, match="disk I/O error; nothing was changed"):
        reconcile(context, shown.plan, lambda *_: None)


def test_a_record_of_an_earlier_archmig_is_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = moment(home.database)
    monkeypatch.setattr(backup, "_LARGE", 1 << 20)
    context = _repaired(home)
    copy = _only(context)
    document = json.loads(record_file(copy.path).read_text())
    assert (document.pop("file"), document["version"]) == ("", 1)
    assert all(isinstance(digest, str) for _, digest in document["after"]["tables"].values())
    record_file(copy.path).write_text(json.dumps(document))
    monkeypatch.setattr(backup, "_LARGE", 0)
    assert verify(_only(context)).problem == ""
    found = preview_undo(context)
    assert found.restoration is not None
    restore(context, found.restoration, "undo")
    assert moment(home.database) == before


def test_a_record_that_a_later_archmig_wrote_is_not_guessed_at(home: Home) -> None:
    context = _repaired(home)
    copy = _only(context)
    assert copy.record is not None
    write_record(copy.path, copy.record)
    assert read_record(copy.path) == copy.record
    document = json.loads(record_file(copy.path).read_text())
    record_file(copy.path).write_text(json.dumps({**document, "version": 3}))
    assert read_record(copy.path) is None
