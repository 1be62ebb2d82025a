"""Rows of constants that revisions insert: found as they are stored, and looked for in a database.

Of their values only keyed digests are kept, of each value's text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.catalog import TABLE_NAMED, column_names
from architect_migrate.databases.postgresql.statements import inserted_columns, names_in, significant, words
from architect_migrate.model.seed_rows import Clash, SeedRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

    from architect_migrate.model.schema import Key, Schema

    Connection = psycopg.Connection[Any]


_UNIQUE = f"""SELECT i.indisprimary, array_agg(a.attname::text ORDER BY k.place)
              FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(number, place), pg_attribute a
              WHERE i.indrelid = {TABLE_NAMED} AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
              AND k.place <= i.indnkeyatts AND a.attrelid = i.indrelid AND a.attnum = k.number
              GROUP BY i.indexrelid, i.indisprimary ORDER BY i.indisprimary DESC, 2"""
_NUMBERED = f"""SELECT a.attname FROM pg_attribute a
                LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                WHERE a.attrelid = {TABLE_NAMED} AND a.attnum > 0
                AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%%')"""


@dataclass(frozen=True, slots=True)
class Inserting:
    """An INSERT of constants that is about to run: the columns that it names, and the places that rows have before."""

    table: str
    columns: Key
    before: frozenset[str]
    clash: Clash


def inserting(connection: Connection, table: str, sql: str) -> Inserting:
    """Return an INSERT that is about to run."""
    return Inserting(table, inserted_columns(sql), _places(connection, table), _clash(sql))


def inserted(connection: Connection, its: Inserting, of: tuple[str, int], key: str) -> Iterator[SeedRow]:
    """Yield the rows that an INSERT has inserted; `of` is its revision and the number of the statement in it."""
    revision, number = of
    there = column_names(connection, its.table)
    given = tuple(column for column in (its.columns or there) if column in there)
    keys, numbered = _keys(connection, its.table), _numbered(connection, its.table)
    for place in sorted(_places(connection, its.table) - its.before):
        values = _row(connection, its.table, given, place, key)
        unique = tuple(each for each in keys if set(each) <= set(given) and _filled(values, each))
        named = unique[0] if unique else given
        yield SeedRow(
            its.table,
            named,
            tuple(values[column] for column in named),
            key,
            statement=number,
            clash=its.clash,
            values=((revision, given, tuple(values[column] for column in given)),),
            keys=tuple((each, tuple(values[column] for column in each)) for each in unique),
            numbered=len(named) == 1 and named[0] in numbered,
        )


def _clash(sql: str) -> Clash:
    """What an INSERT does with a row that has its key already."""
    if "conflict" not in names_in(sql):
        return Clash.FAILS
    return Clash.LEAVES if words(significant(sql))[-1] == "nothing" else Clash.REPLACES


def _places(connection: Connection, table: str) -> frozenset[str]:
    return frozenset(place for (place,) in connection.execute(f"SELECT ctid::text FROM {quote(table)}").fetchall())


def _row(connection: Connection, table: str, columns: Key, place: str, key: str) -> dict[str, str]:
    """The digests of a row's columns."""
    terms = ", ".join(keyed(column, key) for column in columns) or "1"
    found = connection.execute(f"SELECT {terms} FROM {quote(table)} WHERE ctid = {literal(place)}").fetchone()
    return dict(zip(columns, found or (), strict=False))


def keyed(column: str, key: str) -> str:
    """SQL for the digest of a column's value; of NULL it is empty."""
    text = f"convert_to({literal(key)} || {quote(column)}::text, 'UTF8')"
    return f"coalesce(left(encode(sha256({text}), 'hex'), 32), '')"


def _filled(values: dict[str, str], columns: Key) -> bool:
    return all(values[column] for column in columns)


def _keys(connection: Connection, table: str) -> tuple[Key, ...]:
    """The columns by which no two rows of a table are the same: the primary key, then what else is unique."""
    found = connection.execute(_UNIQUE, (table,)).fetchall()
    return tuple(tuple(columns) if primary else tuple(sorted(columns)) for primary, columns in found)


def _numbered(connection: Connection, table: str) -> frozenset[str]:
    """The columns for which rows that name no value get a number from a sequence."""
    return frozenset(name for (name,) in connection.execute(_NUMBERED, (table,)).fetchall())


def after(connection: Connection, seed: SeedRow, revision: str, schema: Schema) -> SeedRow:
    """Return a row of an earlier revision as a later one leaves it."""
    if seed.until:
        return seed
    columns = next(({each.name for each in one.columns} for one in schema.tables if one.name == seed.table), set())
    _, had, digests = seed.values[-1]
    left = tuple(column for column in had if column in columns)
    named = set(seed.columns) <= columns
    if not named or not number_like(connection, seed.table, seed.columns, [seed.digests], seed.key):
        return replace(seed, until=revision)
    terms = ", ".join(keyed(column, seed.key) for column in left)
    where = f"{like(seed.columns, seed.key)} = {literal(''.join(seed.digests))}"
    now = tuple(connection.execute(f"SELECT {terms} FROM {quote(seed.table)} WHERE {where} LIMIT 1").fetchone() or ())
    return seed if (left, now) == (had, digests) else replace(seed, values=(*seed.values, (revision, left, now)))


def like(columns: Iterable[str], key: str) -> str:
    """SQL for the digests of columns in one text."""
    return " || ".join(keyed(column, key) for column in columns)


def literals(rows: Iterable[tuple[str, ...]]) -> str:
    """The digests of rows, as `like` gives them, as SQL literals."""
    return ", ".join(literal("".join(row)) for row in rows)


def number_like(
    connection: Connection, table: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]], key: str
) -> int:
    """Return how many of some rows a table has, each by the digests of its columns; equal ones count once."""
    digest = like(columns, key)
    sql = f"SELECT count(DISTINCT {digest}) FROM {quote(table)} WHERE {digest} IN ({literals(rows)})"
    return int((connection.execute(sql).fetchone() or (0,))[0])
