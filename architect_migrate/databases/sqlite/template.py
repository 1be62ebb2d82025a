"""The final state of a chain on an empty database, as texts and rows, without the steps in between.

Why: most of a chain's time on an empty database is spent in ALTER TABLE, for which SQLite parses the whole schema each
time. The chain's statements run once in memory, and every other empty database is given the result.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import RevisionFailedError
from architect_migrate.core.names import quote
from architect_migrate.databases.sqlite.authorizer import write_log
from architect_migrate.databases.sqlite.fingerprint import digest
from architect_migrate.databases.sqlite.rows.exact import frozen, own_key, row_tables, select

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.databases.sqlite.rows.exact import Row, RowTable

_STORED = "SELECT type, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
# Made by SQLite for its own use in ways that no CREATE of ours repeats: virtual tables, their storage, statistics.
_PECULIAR = """SELECT count(*) FROM sqlite_master WHERE type = 'table' AND
               (rootpage = 0 OR name LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'sqlite_sequence')"""
_SEQUENCE = "sqlite_sequence"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table, and the INSERT for each of them, rowid included."""

    table: str
    insert: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """The state to create on an empty database: tables, then rows, then indexes, triggers and views.

    Why in this order: indexes would slow the inserts down, and triggers would react to them.
    """

    tables: tuple[str, ...]
    rows: tuple[Rows, ...]
    others: tuple[str, ...]


def built(connection: sqlite3.Connection, recorded: tuple[tuple[str, tuple[str, ...]], ...]) -> bool:
    """Build an empty database from a template of these revisions; return False where only their statements can do so.

    The caller commits.
    """
    template = template_of(recorded, int(time.time() // 60))
    if template:
        apply_template(connection, template)
    return template is not None


def replay_on(connection: sqlite3.Connection, revision: str, statements: Iterable[str]) -> None:
    """Run the statements recorded for a revision. Raises RevisionFailedError."""
    try:
        with write_log(connection):
            for text in statements:
                connection.execute(text)
    except sqlite3.Error as error:
        raise RevisionFailedError(revision, "upgrade()", str(error)) from error


# Why at most a minute old: rows may hold the time of their creation.
@lru_cache(maxsize=1)
def template_of(recorded: tuple[tuple[str, tuple[str, ...]], ...], minute: int) -> Template | None:
    """The template of these revisions; None if only their statements can produce the state.

    A trial on a second empty database has to give the same texts and the same rows.
    """
    del minute
    with closing(_in_memory()) as first, closing(_in_memory()) as second:
        for revision, statements in recorded:
            replay_on(first, revision, statements)
        if first.execute(_PECULIAR).fetchone()[0]:
            return None
        try:
            template = _template(first)
            apply_template(second, template)
            same = digest(first) == digest(second) and _written(template) == _written(_template(second))
        except (sqlite3.Error, UnicodeError):
            return None
    return template if same else None


def apply_template(connection: sqlite3.Connection, template: Template) -> None:
    """Build the template's state on an empty database. The caller commits."""
    for text in template.tables:
        connection.execute(text)
    for table in template.rows:
        if table.table == _SEQUENCE:
            # Why deleted first: inserting the rows has already set these numbers, as far as the rows reach.
            connection.execute(f"DELETE FROM {_SEQUENCE}")
        connection.executemany(table.insert, table.rows)
    for text in template.others:
        connection.execute(text)


def _in_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
    connection.execute("BEGIN")
    return connection


def _template(connection: sqlite3.Connection) -> Template:
    stored = connection.execute(_STORED).fetchall()
    tables = row_tables(connection)
    ordered = sorted(tables.values(), key=lambda table: (table.name == _SEQUENCE, table.name))
    return Template(
        tuple(sql for kind, sql in stored if kind == "table"),
        tuple(rows for row_table in ordered if (rows := _rows(connection, row_table)).rows),
        tuple(sql for kind, sql in stored if kind != "table"),
    )


def _written(template: Template) -> list[tuple[str, bytes]]:
    """The rows by their storage classes and bytes."""
    return [(row.table, frozen(list(row.rows))) for row in template.rows]


def _rows(connection: sqlite3.Connection, table: RowTable) -> Rows:
    """The rows by their key, with the rowid where no column holds it.

    A rowid that cannot be named is left to SQLite, which numbers rows from 1 as it did before.
    """
    key = () if table.without_rowid or table.alias else own_key(table)
    columns = ([table.rowid] if key else []) + [quote(column) for column in table.columns]
    marks = ", ".join("?" * len(columns))
    rows = connection.execute(select(table, key or own_key(table), table.columns, "utf-8")).fetchall()
    skipped = 0 if key else len(own_key(table)) or 1
    insert = f"INSERT INTO {table.source} ({', '.join(columns)}) VALUES ({marks})"
    return Rows(table.name, insert, tuple(row[skipped:] for row in rows))
