"""Rows of constants that revisions insert: read from the statements, and looked for in a database.

Of their values only keyed digests are kept, by which SQLite compares: `archmig_keyed(key, typeof(x), CAST(x AS BLOB))`.
"""

from __future__ import annotations

import hashlib
import sqlite3
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, literal, quote
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.model.history import SeedRow, is_of_constants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.databases.sqlite.sql.lexer import Token
    from architect_migrate.model.history import ReplayedStatement
    from architect_migrate.model.schema import Schema, Table

# What may stand after the rows of an INSERT.
_ENDING = frozenset({"on", "returning"})


def seed_rows(
    connection: sqlite3.Connection, schema: Schema, statement: ReplayedStatement, key: str
) -> Iterator[SeedRow]:
    """The rows of an INSERT of constants that are there now; none for a statement that reads a table.

    `connection` is the scratch database on which the statement ran, `schema` what it has now. `key` keys the digests.
    """
    if not is_of_constants(statement):
        return
    table = next((one for one in schema.tables if one.name in statement.writes), None)
    if table is None or not (read := _constants(connection, statement.text, table)):
        return
    columns, rows = read
    for row in rows:
        named = _named(table, dict(zip(columns, row, strict=True)))
        if digests := _digests(connection, table.name, named, key):
            yield SeedRow(table.name, tuple(named), digests, key)


def _digests(connection: sqlite3.Connection, table: str, values: Mapping[str, str], key: str) -> tuple[str, ...]:
    """The digests of a row as it is stored, found by SQL literals of its columns; none where it is not there.

    Why a column is qualified: SQLite takes a lone name in double quotes that means no column for a string.
    """
    columns = [f"{quote(table)}.{quote(column)}" for column in values]
    where = " AND ".join(f"{column} IS {value}" for column, value in zip(columns, values.values(), strict=True))
    try:
        keyed = ", ".join(_keyed(connection, column, key) for column in columns)
        found = connection.execute(f"SELECT {keyed} FROM main.{quote(table)} WHERE {where} LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        return ()
    return tuple(found) if found else ()


def is_there(connection: sqlite3.Connection, seed: SeedRow) -> bool:
    """Whether a database has the row; False also where the table or one of the columns is not there."""
    try:
        return bool(number_like(connection, seed.table, seed.columns, (seed.digests,), seed.key))
    except sqlite3.OperationalError:
        return False


def number_like(
    connection: sqlite3.Connection, table: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]], key: str
) -> int:
    """How many of some rows a table has, each by the digests of its columns; equal ones count once.

    Why all at once: digests need a call for each row of the table, which no index spares.
    """
    digest = " || ".join(_keyed(connection, f"{quote(table)}.{quote(column)}", key) for column in columns)
    wanted = ", ".join(literal("".join(row)) for row in rows)
    counted = f"SELECT count(DISTINCT digest) FROM (SELECT {digest} AS digest FROM main.{quote(table)})"
    return int(connection.execute(f"{counted} WHERE digest IN ({wanted})").fetchone()[0])


def _keyed(connection: sqlite3.Connection, column: str, key: str) -> str:
    """SQL for the digest of a column's value as it is stored: its class and its bytes."""
    (encoding,) = connection.execute("PRAGMA encoding").fetchone()
    name = encoding.decode() if isinstance(encoding, bytes) else encoding
    connection.create_function("archmig_keyed", 3, partial(_digest, name), deterministic=True)
    return f"archmig_keyed({literal(key)}, typeof({column}), CAST({column} AS BLOB))"


def _digest(encoding: str, key: str, kind: str, content: bytes | None) -> str:
    """The keyed digest of a value, the same in databases of any encoding."""
    stored = content or b""
    if kind != "blob" and encoding != "UTF-8":
        stored = stored.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    return hashlib.blake2b(kind.encode() + b"\0" + stored, key=bytes.fromhex(key), digest_size=16).hexdigest()


def _constants(
    connection: sqlite3.Connection, sql: str, table: Table
) -> tuple[tuple[str, ...], list[tuple[str, ...]]] | None:
    """The columns and the rows of an INSERT, as SQL literals; None where it is not written with plain rows.

    SQLite itself says what the rows are: the part of the text from VALUES or SELECT on is run by itself.
    """
    tokens = significant(sql)
    words = [fold(token.text) for token in tokens]
    start = _outside(words, {"values", "select"}, 0)
    if start is None or "into" not in words[:start]:
        return None
    end = _outside(words, _ENDING, start)
    columns = _columns(tokens, words, start) or tuple(column.name for column in table.columns)
    text = sql[tokens[start].start : tokens[end].start if end else len(sql)].rstrip().rstrip(";")
    try:
        cursor = connection.execute(f"SELECT * FROM ({text}\n)")
        rows = [tuple(map(_literal, row)) for row in cursor.fetchall()]
    except sqlite3.Error:
        return None
    return (columns, rows) if all(len(row) == len(columns) for row in rows) else None


def _columns(tokens: list[Token], words: list[str], end: int) -> tuple[str, ...]:
    """The columns that an INSERT names before `end`; none where it names none."""
    if words[end - 1] != ")":
        return ()
    names = tokens[words.index("(") + 1 : end - 1]
    return tuple(fold(unquote(token.text)) for token in names if token.text != ",")


def _outside(words: list[str], wanted: set[str] | frozenset[str], start: int) -> int | None:
    """Where the first of some words stands outside of all parentheses."""
    depth = 0
    for at in range(start, len(words)):
        depth += (words[at] == "(") - (words[at] == ")")
        if depth == 0 and words[at] in wanted:
            return at
    return None


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bytes():
            return f"x'{value.hex()}'"
        case str():
            return literal(value)
        case _:
            return repr(value)


def _named(table: Table, row: dict[str, str]) -> dict[str, str]:
    """The values of a key that a row gives to its table; all of its values where it gives none."""
    keys = [table.primary_key, *sorted(table.uniques)]
    given = (key for key in keys if key and all(row.get(column, "NULL") != "NULL" for column in key))
    return {column: row[column] for column in next(given, tuple(row))}
