"""Compares the rows of two databases table by table: rows that one lacks, and rows with other values."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, assert_never

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.rows.exact import (
    codec_of,
    exact,
    new_digest,
    number_of_rows,
    passes,
    row_tables,
    select,
)
from architect_migrate.databases.sqlite.rows.examples import shown
from architect_migrate.databases.sqlite.rows.merge import Changed, Missing, Pairing, merge
from architect_migrate.databases.sqlite.rows.proof import paired_by_values, shared_keys
from architect_migrate.databases.values import TableDelta

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from architect_migrate.databases.sqlite.rows.exact import Row, RowTable

# Columns that tell what row an example is.
_TELLING = 3


def row_deltas(now: sqlite3.Connection, then: sqlite3.Connection, tables: Iterable[str]) -> tuple[TableDelta, ...]:
    """Compare the rows of these tables, given by any spelling; a table that neither database has is left out.

    Both connections keep their settings, and memory does not grow with the tables.
    """
    with exact(now), exact(then):
        here, there = row_tables(now), row_tables(then)
        names = sorted({fold(table) for table in tables} & {*here, *there})
        return tuple(_delta(now, then, here.get(name), there.get(name)) for name in names)


def _delta(now: sqlite3.Connection, then: sqlite3.Connection, new: RowTable | None, old: RowTable | None) -> TableDelta:
    if new is None:
        assert old is not None
        return TableDelta(old.name, 0, 0, number_of_rows(then, old))
    rows = number_of_rows(now, new)
    if old is None:
        return TableDelta(new.name, rows, 0, 0, gone=True)
    columns = tuple(column for column in new.columns if fold(column) in {fold(other) for other in old.columns})
    extra = tuple((column, _values(now, new, column)) for column in new.columns if column not in columns)
    others = number_of_rows(then, old)
    compared = _compared((now, new), (then, old), columns)
    if compared is None:
        return TableDelta(new.name, max(rows - others, 0), 0, max(others - rows, 0), extra, exact=False)
    lacking, changed = compared
    return TableDelta(new.name, lacking, changed, others - (rows - lacking), extra)


def _compared(
    now: tuple[sqlite3.Connection, RowTable], then: tuple[sqlite3.Connection, RowTable], columns: tuple[str, ...]
) -> tuple[int, int] | None:
    """The number of rows that only `now` has, and of rows with other values; None where they cannot be compared.

    Rows of a table without a key are paired by their rowids or by their values, whichever shows fewer differences: a
    batch operation numbers them anew.
    """
    keys = shared_keys(now[1], then[1])
    by_key = _by_key(now, then, keys, columns) if keys else None
    if by_key is not None and (not any(by_key) or _is_identified(now[1], then[1])):
        return by_key
    pairing = paired_by_values((*now, columns), (*then, columns))
    if pairing is None:
        return by_key
    alone = sum(1 for _ in merge(pairing, new_digest()))
    return (alone, 0) if by_key is None or alone < sum(by_key) else by_key


def _is_identified(new: RowTable, old: RowTable) -> bool:
    """Whether the key of rows is stored in columns on both sides, so that rows keep it when a table is copied."""
    return bool((new.alias or new.without_rowid) and (old.alias or old.without_rowid))


def _by_key(
    now: tuple[sqlite3.Connection, RowTable],
    then: tuple[sqlite3.Connection, RowTable],
    keys: tuple[tuple[str, ...], tuple[str, ...]],
    columns: tuple[str, ...],
) -> tuple[int, int]:
    lacking = changed = 0
    for group in passes(columns):
        lacking, changed_here = _merged(now, then, keys, group)
        # A table of more columns than one pass reads may have more changed rows than any one pass sees.
        changed = max(changed, changed_here)
    return lacking, changed


def _merged(
    now: tuple[sqlite3.Connection, RowTable],
    then: tuple[sqlite3.Connection, RowTable],
    keys: tuple[tuple[str, ...], tuple[str, ...]],
    columns: tuple[str, ...],
) -> tuple[int, int]:
    """The number of rows that only `now` has, and of rows with other values in these columns."""
    codec = codec_of(now[0])
    here, there = (
        connection.execute(select(table, key, columns, codec))
        for (connection, table), key in zip((now, then), keys, strict=True)
    )
    lacking = changed = 0
    last: Row | None = None
    for change in merge(Pairing(here, there, max(len(keys[0]), 1), codec), new_digest()):
        match change:
            case Missing():
                lacking += 1
            case Changed(key):
                changed += key != last
                last = key
            case _:
                assert_never(change)
    return lacking, changed


def _values(connection: sqlite3.Connection, table: RowTable, column: str) -> int:
    return int(connection.execute(f"SELECT count({quote(column)}) FROM {table.source}").fetchone()[0])


def examples(now: sqlite3.Connection, then: sqlite3.Connection, table: str, most: int) -> tuple[str, ...]:
    """The first `most` rows that only `now` has, by the values of their first columns.

    Empty where no key identifies rows in both databases.
    """
    with exact(now), exact(then):
        new, old = row_tables(now)[fold(table)], row_tables(then)[fold(table)]
        keys = shared_keys(new, old)
        names = [column for column in new.columns if column != new.alias][:_TELLING]
        if not keys or not keys[0] or not names:
            return ()
        here, there = now.execute(select(new, keys[0], (), "")), then.execute(select(old, keys[1], (), ""))
        missing = (change for change in merge(Pairing(here, there, len(keys[0]), codec_of(now)), new_digest()))
        rows = (_row(now, new, (keys[0], change.key), names) for change in missing if isinstance(change, Missing))
        return tuple(row for row in islice(rows, most) if row)


def _row(connection: sqlite3.Connection, table: RowTable, key: tuple[tuple[str, ...], Row], names: list[str]) -> str:
    """A row's values with their column names; empty for a key that is not valid text and cannot be queried."""
    where = " AND ".join(f"{name} IS ?" for name in key[0])
    columns = ", ".join(f"t.{quote(name)}" for name in names)
    try:
        values = connection.execute(f"SELECT {columns} FROM {table.source} t WHERE {where}", key[1]).fetchone()
    except UnicodeEncodeError:
        return ""
    return ", ".join(f"{name} {shown(value)}" for name, value in zip(names, values, strict=True))
