"""What decisions about an SQLite database rest on: both schemas, what a person settled, and what the rows hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.diagnosis.resolutions import fill_of
from architect_migrate.planning.row_questions import Answer, DuplicatesOf, RowsIn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from architect_migrate.model.environment import Repair, Resolution
    from architect_migrate.model.schema import Column, Table
    from architect_migrate.planning.row_questions import Question


@dataclass(frozen=True, slots=True)
class Ground:
    """What the decision rests on: the chain's tables, the database's, what a person settled, and the rows."""

    expected: Mapping[str, Table]
    actual: Mapping[str, Table]
    resolutions: tuple[Resolution, ...]
    repair: Repair
    ask: Callable[[Question], Answer]

    def column(self, table: str, column: str) -> Column | None:
        """A column of the database as it is."""
        found = self.actual.get(table)
        return next((it for it in found.columns if it.name == column), None) if found else None

    def wanted(self, table: str, column: str) -> Column:
        """A column as the chain has it."""
        return next(it for it in self.expected[table].columns if it.name == column)

    def rows(self, table: str) -> int:
        """How many rows a table has; none where it is not there yet."""
        return self.ask(RowsIn(self.spelling(table))).count if table in self.actual else 0

    def spelling(self, table: str) -> str:
        """A table's name as the database spells it."""
        found = self.actual.get(table) or self.expected[table]
        return found.spelling or found.name


def doubled(
    ground: Ground, table: str, columns: tuple[str, ...], collations: tuple[str, ...] = (), where: str = ""
) -> Answer:
    """How many values of these columns will stand more than once; a NULL never does.

    Of a column yet to come, what its rows will hold counts: the column that it is copied from, or one default.
    """
    if table not in ground.actual or _unheard_of(ground, table, where):
        return Answer(0)
    held: dict[str, str] = {}
    for place, column in enumerate(columns):
        source = _source(ground, table, column)
        if source is None:
            return Answer(0)
        if source:
            held[source] = collations[place] if collations else ""
    if held:
        chosen = tuple(held.values()) if collations else ()
        return ground.ask(DuplicatesOf(ground.spelling(table), tuple(held), chosen, where))
    rows = ground.rows(table)
    return Answer(1, (f"one default in {rows} rows",)) if rows > 1 else Answer(0)


def _source(ground: Ground, table: str, column: str) -> str | None:
    """The column that holds a column's values: itself, what it is copied from; empty: one default; None: NULLs."""
    if ground.column(table, column) is not None:
        return column
    fill = fill_of(ground.resolutions, table, column)
    if fill is not None and (fill.copy_from or fill.default is not None):
        return fill.copy_from or ""
    return None if ground.wanted(table, column).default is None else ""


def _unheard_of(ground: Ground, table: str, expression: str) -> bool:
    """Whether an expression names a column that is yet to come, so that no row can be asked about it."""
    yet = {it.name for it in ground.expected[table].columns if ground.column(table, it.name) is None}
    return any(fold(unquote(token.text)) in yet for token in significant(expression))
