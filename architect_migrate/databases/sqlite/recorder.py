"""Records what each revision of a chain does to a scratch database."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.authorizer import WriteLog, loose_write_log
from architect_migrate.databases.sqlite.fingerprint import digest
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote, verb
from architect_migrate.databases.sqlite.sql.passing import on_the_way
from architect_migrate.model.history import Replayed, ReplayedStatement, delta
from architect_migrate.model.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Verbs of statements that change something; reads, transactions and PRAGMAs need not be executed again.
_CHANGING = frozenset({"alter", "create", "delete", "drop", "insert", "reindex", "replace", "update"})


class Recording:
    """The recording so far: a `Replayed` for each revision, and the digest of the schema's texts after it."""

    def __init__(self, version_table: str) -> None:
        self.version_table = version_table
        self.found: list[Replayed] = []
        self.digests: list[str] = []
        self._statements: list[str] = []
        self._schema = Schema()

    @contextmanager
    def of(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Record one revision, which runs in the block on this connection."""
        # Why the trace callback: it gives statements with their bound values filled in, so that they can be executed
        # again.
        connection.set_trace_callback(self._statements.append)
        with loose_write_log(connection) as seen:
            yield
        connection.set_trace_callback(None)
        self._note(connection, seen)

    def _note(self, connection: sqlite3.Connection, seen: WriteLog) -> None:
        schema = read_schema(connection, [self.version_table])
        told = [statement for statement in self._statements if self._tells(statement)]
        statements = tuple(
            ReplayedStatement(verb(statement), statement) for statement in told if verb(statement) in _CHANGING
        )
        writes = seen.tables() - {fold(self.version_table)}
        way = on_the_way(told, _columns(self._schema), _columns(schema))
        change = delta(self._schema, schema)
        self.found.append(Replayed(change, statements, writes, way.passing, way.renames, way.moves, way.replaced))
        self.digests.append(digest(connection, [self.version_table]))
        self._statements.clear()
        self._schema = schema

    def _tells(self, statement: str) -> bool:
        """Whether a statement concerns anything other than Alembic's version table."""
        return fold(self.version_table) not in {fold(unquote(token.text)) for token in significant(statement)}


def _columns(schema: Schema) -> dict[str, frozenset[str]]:
    return {table.name: frozenset(column.name for column in table.columns) for table in schema.tables}


def scratch_connection(path: Path) -> sqlite3.Connection:
    """Open a connection to a database that is deleted after the replay."""
    connection = sqlite3.connect(path)
    # Why no journal and no sync: the replay is repeated after a crash, so nothing has to survive one.
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    return connection
