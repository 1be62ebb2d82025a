"""What a revision makes and fills that is still as it was made, which suggests that its row statements did not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.model.facts import ColumnFact
from architect_migrate.model.history import effects, replays, row_statements
from architect_migrate.planning.row_places import number_filled
from architect_migrate.planning.row_questions import RowsIn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from architect_migrate.model.facts import Fact
    from architect_migrate.model.history import History, Replayed, ReplayedStatement
    from architect_migrate.model.schema import Column, Key
    from architect_migrate.planning.row_questions import Question


def still_blank(
    history: History, found: Mapping[Key, Fact], revision: str, count: Callable[[Question], int | None]
) -> str:
    """Return what a revision makes and fills that is still as it was made; empty unless that is all that it writes.

    Where it writes to anything else too, that may be there: it may have been interrupted in between.
    """
    its, replayed = effects(history)[revision].added, replays(history)[revision]
    made = {its_key[1] for its_key in its if its_key[0] == "table"}
    made |= {table for stop in replayed.stops[-1:] for table in stop.shape.keys() - dict(stop.whole)}
    statements = row_statements(replayed)
    into = {table for statement in statements if not statement.columns for table in statement.writes & made}
    empty = {table for table in into if count(RowsIn(table)) == 0}
    blank = {}
    for its_key in its:
        match found.get(its_key):
            case ColumnFact(table=table, column=column) if table not in made and _is_filled(replayed, table, column):
                if count(RowsIn(table)) and number_filled(count, table, column) == 0:
                    blank[table, column.name] = column
            case _:
                pass
    if not all(_writes_only(each, empty, blank) for each in statements):
        return ""
    named = [f"{table} is empty" for table in sorted(empty)]
    for (table, _), column in blank.items():
        default = f" or {column.default}" if column.default is not None else ""
        named.append(f"{table}.{column.spelling} holds nothing but NULL{default}")
    return " and ".join(named)


def _writes_only(statement: ReplayedStatement, tables: Collection[str], columns: Collection[tuple[str, str]]) -> bool:
    """Whether a statement inserts into some of these tables, or sets some of these columns, and no more."""
    if not statement.columns:
        return statement.writes <= {*tables}
    return {(table, name) for table in statement.writes for name in statement.columns} <= {*columns}


def _is_filled(replayed: Replayed, table: str, column: Column) -> bool:
    """Whether a revision sets a column; of a loop it is not known which columns it sets."""
    sets = (each for each in row_statements(replayed) if table in each.writes)
    return bool(replayed.reads) or any(column.name in statement.columns for statement in sets)
