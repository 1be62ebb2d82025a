"""Rows of constants that revisions insert: found as they are stored, and looked for in a database.

Of their values only keyed digests are kept, of each value's text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.statements import inserted_columns, names_in, significant, words
from architect_migrate.model.seed_rows import Clash, SeedRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

    from architect_migrate.model.schema import Key, Schema, Table

    Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Inserted:
    """An INSERT of constants: the places that rows of its table had before it, and the columns that it names."""

    table: str
    columns: Key
    before: frozenset[str]
    clash: Clash
    statement: int = 0

    def seeds(self, connection: Connection, schema: Schema, revision: str, key: str) -> Iterator[SeedRow]:
        """Yield the rows that it inserted and that are there now."""
        table = next((one for one in schema.tables if one.name == self.table), None)
        if table is None:
            return
        there = tuple(column.name for column in table.columns)
        given = tuple(column for column in (self.columns or there) if column in there)
        for place in sorted(_places(connection, self.table) - self.before):
            values = _row(connection, self.table, given, place, key)
            unique = tuple(each for each in _keys(schema, table) if set(each) <= set(given) and _filled(values, each))
            named = unique[0] if unique else given
            yield SeedRow(
                self.table,
                named,
                tuple(values[column] for column in named),
                key,
                statement=self.statement,
                clash=self.clash,
                values=((revision, given, tuple(values[column] for column in given)),),
                keys=tuple((each, tuple(values[column] for column in each)) for each in unique),
                numbered=named == table.primary_key and len(named) == 1 and _is_numbered(table, named[0]),
            )


def inserted(connection: Connection, table: str, sql: str) -> Inserted:
    """Return an INSERT that is about to run, with the rows that its table has before."""
    columns = inserted_columns(sql)
    return Inserted(table, columns, _places(connection, table), _clash(sql))


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


def _keys(schema: Schema, table: Table) -> tuple[Key, ...]:
    """The columns by which no two rows of a table are the same: the primary key, then what else is unique."""
    indexes = (index for index in schema.indexes if index.table == table.name and index.unique and not index.where)
    there = {column.name for column in table.columns}
    columns = {tuple(sorted(term.expression for term in index.terms)) for index in indexes}
    unique = sorted(set(table.uniques) | {each for each in columns if set(each) <= there})
    return tuple(each for each in (table.primary_key, *unique) if each)


def _is_numbered(table: Table, column: str) -> bool:
    """Whether rows that name no value of a column get a number from a sequence."""
    its = next(one for one in table.columns if one.name == column)
    return bool(getattr(its.detail, "identity", "")) or "nextval" in names_in(its.default or "")


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
