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
from architect_migrate.model.history import INSERTING, Role, effects, replays, row_statements, unmasked, writes_of
from architect_migrate.planning.row_questions import LeftOut, Orphaned, RowsIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Table
    from architect_migrate.planning.row_questions import Answer

# What SQLite does with rows whose parent goes, where it looks at foreign keys.
_ACTIONS = frozenset({"cascade", "set default", "set null"})
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


def left_without_parent(history: History, revision: str, tables: Mapping[str, Table]) -> Iterator[Demand]:
    """The demands that no row is left without the row that it refers to, where the key's actions would see to it.

    Why: foreign keys are off in a run, whatever env.py sets, since rebuilding a table would set off its actions.
    """
    rows = row_statements(replays(history)[revision])
    deleted, updated = (writes_of(each for each in rows if each.verb == verb) for verb in ("delete", "update"))
    for table in tables.values():
        parents = {key.parent for key in table.foreign_keys if key.on_delete in _ACTIONS} & deleted
        parents |= {key.parent for key in table.foreign_keys if key.on_update in _ACTIONS} & updated
        if parents and (statements := _texts(history, revision)):
            found = partial(_orphaned, revision, table.spelling or table.name, min(parents))
            yield Demand(table.name, Orphaned(table.name, statements), found)


def _texts(history: History, revision: str) -> tuple[str, ...]:
    """The row statements of a revision; none where they cannot be learnt."""
    found = row_statements(replays(history)[revision])
    if any(each.masked for each in found):
        try:
            found = row_statements(unmasked(history)[revision])
        except ReplayError:
            return ()
    return tuple(each.text for each in found)


def _orphaned(revision: str, table: str, parent: str, answer: Answer) -> Finding:
    rows = pluralize(answer.count, "row of it refers", "rows of it refer")
    told = f"{rows} to nothing in {parent} after {revision}: foreign keys do nothing in a run, nor do their actions"
    advice = f"delete or change them in {revision} first"
    return Finding(Level.BLOCKING, "blocked-reference", f"table {table}", told, advice, revision)


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
