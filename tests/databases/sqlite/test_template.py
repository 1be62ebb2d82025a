"""An empty database that gets the outcome of the chain's statements is the one that running them makes."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.core.chain_errors import RevisionFailedError
from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.databases.sqlite.fingerprint import digest
from architect_migrate.databases.sqlite.rows.exact import exact, own_key, row_tables, select
from architect_migrate.databases.sqlite.template import Template, apply_template, template_of
from architect_migrate.model.chain_config import beside
from architect_migrate.model.history import recorded_sql
from architect_migrate.revisions.replay import cache_folder, history_of
from support.chain_runner import ALEMBIC, upgrade_to_head

if TYPE_CHECKING:
    from pathlib import Path

KEPT = {
    "rows with and without rowid aliases": (
        "CREATE TABLE a (id INTEGER PRIMARY KEY, v)",
        "CREATE TABLE b (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        "CREATE TABLE c (v)",
        "INSERT INTO a VALUES (7, 'x'), (3, NULL)",
        "INSERT INTO b VALUES ('z', 1), ('y', 1.0), ('x', x'00'), ('w', '1')",
        "INSERT INTO c (rowid, v) VALUES (41, 'kept'), (5, 'order')",
    ),
    "a sequence beyond its rows": (
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
        "INSERT INTO a (v) VALUES (1), (2), (3)",
        "DELETE FROM a WHERE id > 1",
    ),
    "columns added to rows that were there": (
        "CREATE TABLE a (v)",
        "INSERT INTO a VALUES (1)",
        "ALTER TABLE a ADD COLUMN n INTEGER NOT NULL DEFAULT '12'",
        "ALTER TABLE a ADD COLUMN t TEXT DEFAULT 12",
        "ALTER TABLE a ADD COLUMN g AS (n + 1)",
    ),
    "triggers and indexes over rows": (
        "CREATE TABLE a (v)",
        "CREATE TABLE log (v)",
        "CREATE UNIQUE INDEX i ON a (v COLLATE NOCASE) WHERE v IS NOT NULL",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO log VALUES (new.v); END",
        "CREATE VIEW w AS SELECT v FROM a",
        "INSERT INTO a VALUES ('x'), ('y')",
    ),
    "a table that took another's name": (
        "CREATE TABLE new (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> ''))",
        "INSERT INTO new VALUES (1, 'x')",
        "ALTER TABLE new RENAME TO old",
    ),
    "names that have to be quoted": (
        'CREATE TABLE "a ""b" ("select" TEXT, "x.y" TEXT)',
        "INSERT INTO \"a \"\"b\" VALUES ('1', '2')",
    ),
    "a table whose columns hide its rowid": (
        "CREATE TABLE a (rowid TEXT, oid TEXT, _rowid_ TEXT)",
        "INSERT INTO a VALUES ('1', '2', '3')",
    ),
}
LEFT_TO_THE_STATEMENTS = {
    "a virtual table": ("CREATE VIRTUAL TABLE a USING fts5(v)",),
    "statistics": ("CREATE TABLE a (v)", "CREATE INDEX i ON a (v)", "INSERT INTO a VALUES (1)", "ANALYZE"),
    "text that is no text": ("CREATE TABLE a (v TEXT)", "INSERT INTO a VALUES (CAST(x'ff' AS TEXT))"),
}


def contents(connection: sqlite3.Connection) -> dict[str, list[Any]]:
    """Every row of every table with its key."""
    with exact(connection):
        return {
            name: connection.execute(select(one, own_key(one), one.columns, "utf-8")).fetchall()
            for name, one in row_tables(connection).items()
        }


def made_by(statements: tuple[str, ...]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for text in statements:
        connection.execute(text)
    return connection


def given(template: Template) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    apply_template(connection, template)
    return connection


@pytest.mark.parametrize("statements", KEPT.values(), ids=KEPT)
def test_what_is_given_is_what_the_statements_make(statements: tuple[str, ...]) -> None:
    template = template_of((("001", statements),), 0)
    assert template is not None
    with closing(made_by(statements)) as ran, closing(given(template)) as built:
        assert digest(built) == digest(ran)
        assert contents(built) == contents(ran)
        assert repr(contents(built)) == repr(contents(ran))


@pytest.mark.parametrize("statements", LEFT_TO_THE_STATEMENTS.values(), ids=LEFT_TO_THE_STATEMENTS)
def test_what_no_text_and_rows_can_repeat_is_left_to_the_statements(statements: tuple[str, ...]) -> None:
    assert template_of((("001", statements),), 0) is None


def test_a_statement_that_fails_names_its_revision() -> None:
    with pytest.raises(RevisionFailedError) as caught:
        template_of((("001", ("CREATE TABLE a (v)",)), ("002", ("INSERT INTO b VALUES (1)",))), 0)
    assert (caught.value.revision, caught.value.action, caught.value.cause) == ("002", "upgrade()", "no such table: b")


def test_statements_that_would_end_the_transaction_are_refused() -> None:
    with pytest.raises(TransactionEndedError, match="tried to run COMMIT"):
        template_of((("001", ("COMMIT",)),), 0)


def test_this_projects_chain_gives_what_its_revisions_make(tmp_path: Path) -> None:
    history = history_of(beside(ALEMBIC.parent / "alembic.ini"), cache_folder(os.environ))
    began = datetime.now(UTC).date().isoformat()
    template = template_of(tuple(recorded_sql(history).items()), int(time.time() // 60))
    assert template is not None
    with closing(sqlite3.connect(upgrade_to_head(tmp_path / "ran.db"))) as ran, closing(given(template)) as built:
        days = {began, datetime.now(UTC).date().isoformat()}
        assert digest(built) == digest(ran) == history.graph.digests[-1]
        assert timeless(contents(built), days) == timeless(contents(ran), days)


def timeless(found: dict[str, list[Any]], days: set[str]) -> dict[str, list[Any]]:
    """The rows with the moment of their making struck out."""
    return {
        name: [tuple("now" if isinstance(one, str) and one[:10] in days else one for one in row) for row in rows]
        for name, rows in found.items()
    }
