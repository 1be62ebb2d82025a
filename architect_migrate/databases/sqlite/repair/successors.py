"""What only a database has on a table whose rows a revision brings to another one, and would lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.databases.sqlite.sql.parser import parse_table
from architect_migrate.databases.sqlite.sql.passing import table_rename
from architect_migrate.model.history import effects, names_ever, replays

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from architect_migrate.databases.sqlite.repair.carried import Stored
    from architect_migrate.model.history import History


def left_behind(
    history: History, revision: str, objects: tuple[tuple[Stored, ...], tuple[Stored, ...]], gone: Collection[object]
) -> Iterator[str]:
    """Yield the columns, indexes and triggers that no revision makes, of tables that are gone, as people name them.

    `objects` are those before and after the revision, `gone` the keys of those that it removed. What goes with a table
    that has no successor is no loss: its rows go too.
    """
    before, after = objects
    there = {stored.key: stored for stored in after}
    ever = names_ever(history)
    moves = [move for move in replays(history)[revision].moves if not (move.column or move.new_column)]
    for table in sorted({move.table for move in moves if ("table", move.table) in gone}):
        successors = [move.new_table for move in moves if move.table == table]
        carried = {column for name in successors for column in columns_in(there.get(("table", name)))}
        for stored in before:
            if fold(stored.table) != table:
                continue
            if stored.kind == "table":
                own = (column for column in columns_in(stored) if (table, column) not in ever.columns)
                yield from (f"column {table}.{column}" for column in own if column not in carried)
            elif stored.key in gone and stored.key[1] not in ever.indexes | ever.triggers:
                yield f"{stored.kind} {stored.name}"


def last_name(table: str, statements: Iterable[str]) -> str:
    """Return the name that a table has after these statements renamed it."""
    for rename in map(table_rename, statements):
        table = rename.new if rename and rename.old == table else table
    return table


def own_parts(
    before: Iterable[Stored], after: Iterable[Stored], dropped: Mapping[str, str], history: History
) -> Iterator[str]:
    """Yield the columns, indexes and triggers on dropped tables that no revision ever makes: they would be lost.

    `dropped` has their last names. Another table of that name may have been dropped before: then nothing is lost.
    """
    ever = {key for effect in effects(history).values() for key in effect.added}
    there = {stored.key: stored for stored in after}
    for stored in before:
        if fold(stored.table) not in dropped:
            continue
        if stored.kind in {"index", "trigger"} and stored.key not in ever and stored.key not in there:
            yield f"{stored.kind} {stored.name}"
        elif stored.kind == "table" and stored.root:
            columns, stay = columns_in(stored), columns_in(there.get(("table", dropped[stored.key[1]])))
            own = (name for name in sorted(columns - stay) if ("column", stored.key[1], name) not in ever)
            yield from (f"column {stored.name}.{name}" for name in own)


def columns_in(stored: Stored | None) -> frozenset[str]:
    """The folded names of a table's columns; none where there is no table, or its text cannot be read."""
    try:
        return frozenset(fold(column.name) for column in parse_table(stored.sql).columns) if stored else frozenset()
    except UnreadableSqlError:
        return frozenset()
