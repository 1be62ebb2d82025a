"""Says in a plan how many rows go with the tables that its revisions drop, or are left out of their copies."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ReplayError
from architect_migrate.core.names import BATCH_COPY
from architect_migrate.core.text import pluralize
from architect_migrate.databases.sqlite.rows.left_out import copied_by
from architect_migrate.databases.sqlite.rows.taken import Demand
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.history import INSERTING, Role, effects, replays, unmasked
from architect_migrate.planning.row_questions import LeftOut, RowsIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Table
    from architect_migrate.planning.row_questions import Answer

_BACKUP = "the backup of the run has them"


def rows_leaving(history: History, revision: str, tables: Mapping[str, Table]) -> Iterator[Demand]:
    """The demands, of which each becomes a warning, that no rows go with a revision.

    `tables` are those whose rows are what they are now.
    """
    replayed, its = replays(history)[revision], effects(history)[revision]
    copies = {(one.table, one.name) for one in replayed.passing if one.role == Role.COPY}
    copies = {(table, name) for table, name in copies if not name.startswith(BATCH_COPY)}
    copies |= {(move.table, move.new_table) for move in replayed.moves if not (move.column or move.new_column)}
    stay = {rename.old for rename in replayed.renames if not rename.table} | {table for table, _ in copies}
    stay |= {before for _, before in (replayed.stops[-1].whole if replayed.stops else ())}
    removed = {key[1] for key in its.removed if key[0] == "table" and key not in its.added}
    for table in sorted((removed | replayed.replaced) & tables.keys() - stay):
        yield Demand(table, RowsIn(table), partial(_dropped, revision, table))
    for table, name in sorted(copies):
        if table in tables and (selects := _selects(history, revision, table, name)):
            yield Demand(table, LeftOut(table, selects), partial(_left_out, revision, table, name))


def _selects(history: History, revision: str, table: str, name: str) -> tuple[str, ...]:
    """The SELECTs by which a revision copies a table to another one; none where they cannot be learnt."""
    statements = [each for each in replays(history)[revision].statements if each.verb in INSERTING]
    found = [each for each in statements if copied_by(each.text, table, name)]
    if any(each.masked for each in found):
        try:
            found = [each for each in unmasked(history)[revision].statements if each.verb in INSERTING]
        except ReplayError:
            return ()
    return tuple(select for each in found if (select := copied_by(each.text, table, name)))


def _dropped(revision: str, table: str, answer: Answer) -> Finding:
    told = f"{revision} drops it with {pluralize(answer.count, 'row')}"
    return Finding(Level.WARNING, "rows-dropped", f"table {table}", told, _BACKUP, revision)


def _left_out(revision: str, table: str, name: str, answer: Answer) -> Finding:
    told = f"{revision} leaves out {pluralize(answer.count, 'row')} of it where it copies the others to {name}"
    return Finding(Level.WARNING, "rows-left-out", f"table {table}", told, _BACKUP, revision)
