"""Rows of constants that revisions insert: read from the statements, and looked for in a database.

Of their values only keyed digests are kept, by which SQLite compares: `archmig_keyed(key, typeof(x), CAST(x AS BLOB))`.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, literal, quote
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.model.history import is_of_constants
from architect_migrate.model.seed_rows import Clash, SeedRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.databases.sqlite.sql.lexer import Token
    from architect_migrate.model.history import ReplayedStatement
    from architect_migrate.model.schema import Key, Schema, Table

# What may stand after the rows of an INSERT.
_ENDING = frozenset({"on", "returning"})


def seeds_of(
    connection: sqlite3.Connection, schema: Schema, ran: tuple[str, Iterable[ReplayedStatement]], key: str
) -> tuple[SeedRow, ...]:
    """The rows of constants that the statements of a revision insert, and that are there now.

    `connection` is the scratch database on which they ran, `schema` what it has now; `ran` begins with the revision.
    `key` keys the digests.
    """
    revision, statements = ran
    found: list[SeedRow] = []
    for number, statement in enumerate(statements):
        seeds = seed_rows(connection, schema, statement, key)
        found += (replace(seed, statement=number, values=_as_given(seed, revision)) for seed in seeds)
    return tuple(found)


def _as_given(seed: SeedRow, revision: str) -> tuple[tuple[str, Key, tuple[str, ...]], ...]:
    return tuple((revision, columns, digests) for _, columns, digests in seed.values)


def seed_rows(
    connection: sqlite3.Connection, schema: Schema, statement: ReplayedStatement, key: str
) -> Iterator[SeedRow]:
    """The rows of an INSERT of constants that are there now; none for a statement that reads a table."""
    if not is_of_constants(statement):
        return
    table = next((one for one in schema.tables if one.name in statement.writes), None)
    if table is None or not (read := _constants(connection, statement.text, table)):
        return
    columns, rows = read
    keys = _keys(schema, table)
    there = {column.name for column in table.columns}
    for row in rows:
        given = dict(zip(columns, row, strict=True))
        named = _named(keys, given)
        kept = tuple(column for column in columns if column in there)
        if digests := _digests(connection, table.name, named, tuple(named), key):
            unique = (each for each in keys if _gives(given, each))
            yield SeedRow(
                table.name,
                tuple(named),
                digests,
                key,
                clash=_clash(statement.text),
                values=(("", kept, _digests(connection, table.name, named, kept, key)),),
                keys=tuple((each, _digests(connection, table.name, named, each, key)) for each in unique),
                numbered=table.rowid_key and tuple(named) == table.primary_key,
            )


def _keys(schema: Schema, table: Table) -> tuple[Key, ...]:
    """The columns by which no two rows of a table are the same: the primary key, then what else is unique."""
    indexes = (index for index in schema.indexes if index.table == table.name and index.unique and not index.where)
    there = {column.name for column in table.columns}
    columns = {tuple(sorted(term.expression for term in index.terms)) for index in indexes}
    unique = sorted(set(table.uniques) | {each for each in columns if set(each) <= there})
    return tuple(each for each in (table.primary_key, *unique) if each)


def _gives(row: Mapping[str, str], key: Key) -> bool:
    return all(row.get(column, "NULL") != "NULL" for column in key)


def _clash(sql: str) -> Clash:
    """What an INSERT does with a row that has its key already, by the words before its rows and after them."""
    words = [fold(token.text) for token in significant(sql)]
    before = words[: words.index("into")] if "into" in words else []
    if "ignore" in before:
        return Clash.LEAVES
    if "replace" in before:
        return Clash.REPLACES
    start = _outside(words, {"values", "select"}, 0)
    end = _outside(words, {"on"}, start or 0)
    if end is None:
        return Clash.FAILS
    return Clash.LEAVES if words[-1] == "nothing" or words[-2:-1] == ["nothing"] else Clash.REPLACES


def _digests(
    connection: sqlite3.Connection, table: str, named: Mapping[str, str], wanted: Iterable[str], key: str
) -> tuple[str, ...]:
    """The digests of a row's columns as they are stored; none where it is not there.

    `named` are SQL literals of columns that name the row. Why a column is qualified: SQLite takes a lone name in double
    quotes that means no column for a string.
    """
    where = " AND ".join(f"{quote(table)}.{quote(column)} IS {value}" for column, value in named.items())
    try:
        keyed = ", ".join(_keyed(connection, f"{quote(table)}.{quote(column)}", key) for column in wanted)
        found = connection.execute(f"SELECT {keyed} FROM main.{quote(table)} WHERE {where} LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        return ()
    return tuple(found) if found else ()


def after(connection: sqlite3.Connection, seed: SeedRow, revision: str, columns: Iterable[str]) -> SeedRow:
    """A row of an earlier revision as a later one leaves it; `columns` are those that its table has now."""
    if seed.until:
        return seed
    if not is_there(connection, seed):
        return replace(seed, until=revision)
    _, had, digests = seed.values[-1]
    left = tuple(column for column in had if column in set(columns))
    keyed = ", ".join(_keyed(connection, f"{quote(seed.table)}.{quote(column)}", seed.key) for column in left)
    named = " || ".join(_keyed(connection, f"{quote(seed.table)}.{quote(column)}", seed.key) for column in seed.columns)
    source = f"FROM main.{quote(seed.table)} WHERE {named} = {literal(''.join(seed.digests))}"
    now = tuple(connection.execute(f"SELECT {keyed} {source} LIMIT 1").fetchone())
    return seed if (left, now) == (had, digests) else replace(seed, values=(*seed.values, (revision, left, now)))


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
    digest, wanted = like(connection, table, columns, key), literals(rows)
    counted = f"SELECT count(DISTINCT digest) FROM (SELECT {digest} AS digest FROM main.{quote(table)})"
    return int(connection.execute(f"{counted} WHERE digest IN ({wanted})").fetchone()[0])


def like(connection: sqlite3.Connection, table: str, columns: Iterable[str], key: str) -> str:
    """SQL for the digests of columns in one text, which makes its function on a connection."""
    return " || ".join(_keyed(connection, f"{quote(table)}.{quote(column)}", key) for column in columns)


def literals(rows: Iterable[tuple[str, ...]]) -> str:
    """The digests of rows, as `like` gives them, as SQL literals."""
    return ", ".join(literal("".join(row)) for row in rows)


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


def _named(keys: Iterable[Key], row: dict[str, str]) -> dict[str, str]:
    """The values of a key that a row gives to its table; all of its values where it gives none."""
    given = next((key for key in keys if _gives(row, key)), tuple(row))
    return {column: row[column] for column in given}
