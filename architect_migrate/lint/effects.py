"""Violations in a tried revision's effects: on the schema, on rows, and in its downgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import BATCH_COPY
from architect_migrate.core.text import shortlist
from architect_migrate.lint.files import place_of
from architect_migrate.lint.rules import Violation, violation
from architect_migrate.model.diff import Differs, Extra, Missing, change_key, diff, needs_repair
from architect_migrate.model.facts import (
    CheckFact,
    ColumnFact,
    ForeignKeyFact,
    IndexFact,
    TriggerFact,
    UniqueFact,
    describe,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from architect_migrate.databases.statement import Statement
    from architect_migrate.lint.rules import Place
    from architect_migrate.lint.trial import Trial, TriedRevision
    from architect_migrate.model.diff import Change
    from architect_migrate.model.schema import Table

# How many of a list a message shows.
_SHOWN = 4


def effect_violations(tried: TriedRevision) -> Iterator[Violation]:
    """Yield the violations in the effects of a revision all of whose statements ran."""
    yield from _demanding_columns(tried)
    yield from _references(tried)
    yield from _broken(tried)
    yield from row_violations(tried, frozenset(one.line for one in _demanding_columns(tried)))
    yield from loss_violations(tried)
    yield from _way_back(tried)


def _demanding_columns(tried: TriedRevision) -> Iterator[Violation]:
    before, after = tried.before, tried.after
    for name, table in after.items():
        known = {column.name for column in before[name].columns} if name in before else set()
        for column in table.columns if known else ():
            if column.name not in known and _demands(table, column.name) and not _proven_with_rows(tried, name):
                message = f"{name}.{column.name} is NOT NULL and has no default, and {name} may hold rows"
                fix = f"give it a default, or fill it first and then make it NOT NULL ({name} has been there before)"
                yield violation("AM301", _touching(tried, name), message, fix)


def _proven_with_rows(tried: TriedRevision, table: str) -> bool:
    """Return whether all statements on a table also ran in the trial with rows in it.

    Why it matters: upgrade() may fill a new NOT NULL column between its statements.
    """
    if tried.up_with_rows is None or table not in tried.filled or tried.up_with_rows.failed:
        return False
    all_of_it = sum(_touches(one, table) for one in tried.up.statements)
    return sum(_touches(one, table) for one in tried.up_with_rows.statements) == all_of_it


def _demands(table: Table, name: str) -> bool:
    column = next(one for one in table.columns if one.name == name)
    is_rowid = table.rowid_key and name in table.primary_key
    return column.not_null and column.default is None and column.generated is None and not is_rowid


def _references(tried: TriedRevision) -> Iterator[Violation]:
    before, after = tried.before, tried.after
    there = set(after)
    for name, table in after.items():
        old = before[name].foreign_keys if name in before else frozenset()
        for key in sorted(table.foreign_keys - old, key=repr):
            if key.parent not in there:
                message = f"{name}({', '.join(key.columns)}) refers to {key.parent}, which does not exist"
                yield violation("AM211", _touching(tried, name), message)
    for name, error in tried.mismatched:
        yield violation("AM211", _touching(tried, name), error)


def _broken(tried: TriedRevision) -> Iterator[Violation]:
    for kind, name, error in tried.broken:
        place = _where(tried, [one for one in tried.up.statements if (kind, name) in one.effects.created])
        yield violation("AM212", place, f"{kind} {name}: {error}")


def _way_back(tried: TriedRevision) -> Iterator[Violation]:
    function = tried.file.function("downgrade")
    if tried.down is None or (function is not None and (function.idle or function.refuses)):
        return
    for one in tried.down.failed[:1]:
        yield violation(
            "AM501",
            place_of(tried.file, one.line),
            f"it tries to {one.refused}" if one.refused else one.error,
            sql=one.sql,
        )
    if tried.down.raised and not tried.down.failed:
        yield violation(
            "AM501", place_of(tried.file, tried.down.raised_line), f"downgrade() raises {tried.down.raised}"
        )
    if tried.down.sound and tried.ways[2] is not None and tried.ways[2] != tried.ways[0]:
        known = {change_key(change) for change in losses(tried)}
        left = [
            _left(change)
            for change in diff(tried.ways[0], tried.ways[2])
            if (needs_repair(change) or isinstance(change, Extra)) and change_key(change) not in known
        ]
        if left:
            place = place_of(tried.file, function.line if function else 0)
            yield violation("AM502", place, f"after upgrade() and downgrade(): {shortlist(left, _SHOWN, '; ')}")


def _left(change: Change) -> str:
    match change:
        case Missing():
            return f"{describe(change.fact)} is missing"
        case Extra():
            return f"{describe(change.fact)} is left over"
        case Differs():
            return in_words(change)
        case _:
            return ""


def _touching(tried: TriedRevision, table: str) -> Place:
    """Return the place where upgrade() last creates, alters or drops a table."""
    return _where(tried, [one for one in tried.up.statements if _touches(one, table)])


def _touches(one: Statement, table: str) -> bool:
    return table in one.effects.altered or ("table", table) in one.effects.created | one.effects.dropped


def _where(tried: TriedRevision, statements: Sequence[Statement]) -> Place:
    """Return the place of the last statement; that of upgrade() if there is none."""
    function = tried.file.function("upgrade")
    return place_of(tried.file, statements[-1].line if statements else function.line if function else 0)


_DATA_STEP = "data_step"


def row_violations(tried: TriedRevision, explained: Collection[int]) -> Iterator[Violation]:
    """Yield the violations concerning rows, without failures in `explained` lines, which another rule reports."""
    yield from _rows_outside(tried)
    yield from (one for one in _with_rows(tried) if one.line not in explained)
    yield from _data_step(tried)


_NOT_TOLD = "where no stamp covers the revision, archmig cannot tell later whether they were, and asks a person first"


def _rows_outside(tried: TriedRevision) -> Iterator[Violation]:
    after = tried.after
    reported: set[str] = set()
    # What a loop over rows writes is seen only where the tables have rows.
    with_rows = tried.up_with_rows.statements if tried.up_with_rows else ()
    for one in (*tried.up.statements, *with_rows):
        if _DATA_STEP in one.functions:
            continue
        kept = {
            table for table in one.effects.inserted | one.effects.updated if table in after and not after[table].module
        }
        if not kept or _only_moves(one, after):
            continue
        for table in sorted(kept - reported):
            verb = "inserted into" if table in one.effects.inserted else "updated in"
            message = f"rows are {verb} {table} outside of data_step(): {_NOT_TOLD}"
            yield violation("AM304", place_of(tried.file, one.line), message, sql=one.sql)
        reported |= kept


def _only_moves(one: Statement, after: dict[str, Table]) -> bool:
    """Return whether an INSERT only copies rows from tables that the revision drops."""
    sources = {table for table, _ in one.effects.made_of} - one.effects.inserted
    return bool(sources) and not one.effects.updated and not sources & set(after)


def _with_rows(tried: TriedRevision) -> Iterator[Violation]:
    """Yield the statements that SQLite refuses only if the tables hold rows.

    Why exceptions of the revision's own code are left out: the sample rows may be their cause.
    """
    if tried.up_with_rows is None or not tried.up.sound:
        return
    yield from _only_with_rows("AM302", tried, tried.up_with_rows)
    if tried.down is not None and tried.down.sound and tried.down_with_rows is not None:
        yield from _only_with_rows("AM501", tried, tried.down_with_rows)


def _only_with_rows(code: str, tried: TriedRevision, trial: Trial) -> Iterator[Violation]:
    """Yield the first failure with rows. Why only the first: later ones may be its consequence."""
    for one in trial.failed[:1]:
        message = f"if the tables hold rows: {one.error}"
        yield violation(code, place_of(tried.file, one.line), message, sql=one.sql)


def _data_step(tried: TriedRevision) -> Iterator[Violation]:
    function = tried.file.function(_DATA_STEP)
    place = place_of(tried.file, function.line if function else 0)
    if tried.again:
        yield violation("AM303", place, f"if data_step() runs again, {tried.again}")
    if tried.overwritten:
        message = f"data_step() overwrites rows of {shortlist(tried.overwritten, _SHOWN)} edited after its first run"
        yield violation("AM305", place, message)


def loss_violations(tried: TriedRevision) -> Iterator[Violation]:
    """Yield the violations concerning data and features that upgrade() removes."""
    yield from _dropped(tried)
    yield from _lost(tried)


def _dropped(tried: TriedRevision) -> Iterator[Violation]:
    before, after = tried.before, tried.after
    strange = {name for one in tried.up.statements for kind, name in one.effects.dropped if kind == "table"} - set(
        before
    )
    made_of = frozenset[tuple[str, str]]().union(*(one.effects.made_of for one in tried.up.statements))
    for one in tried.up.statements:
        place = place_of(tried.file, one.line)
        for kind, name in sorted(one.effects.dropped):
            if kind != "table" or name not in before:
                continue
            if name not in after:
                yield violation("AM401", place, f"table {name} is dropped with all of its rows", sql=one.sql)
            else:
                lost = [c.name for c in before[name].columns if not _has(after[name], c.name)]
                yield from _lost_columns(place, name, [c for c in lost if (name, c) not in made_of], one)
        for table, column in sorted(one.effects.dropped_columns):
            yield from _lost_columns(place, table, [column] if _has(before.get(table), column) else [], one)
        for table in sorted(one.effects.altered & set(before) - set(after)):
            if strange:
                yield violation(
                    "AM401", place, f"table {table} is renamed, and dropped with all of its rows", sql=one.sql
                )
        for table in sorted(one.effects.deleted & set(before) & set(after)):
            yield violation("AM403", place, f"rows of {table} are deleted", sql=one.sql)


def _lost_columns(place: Place, table: str, columns: Iterable[str], one: Statement) -> Iterator[Violation]:
    for column in columns:
        yield violation("AM402", place, f"column {table}.{column} is dropped with all of its values", sql=one.sql)


def _has(table: Table | None, column: str) -> bool:
    return table is not None and any(one.name == column for one in table.columns)


def _lost(tried: TriedRevision) -> Iterator[Violation]:
    """Yield the features that recreated tables lose. Why: the chain itself loses them, so no repair restores them."""
    remade, lost = _remade(tried), dict[str, list[str]]()
    for change in losses(tried):
        if text := in_words(change):
            lost.setdefault(table_of(change.fact), []).append(text)
    for table, features in lost.items():
        message = f"{table} is recreated and loses {shortlist(features, _SHOWN, '; ')}"
        yield violation("AM404", place_of(tried.file, remade[table].line), message)


def losses(tried: TriedRevision) -> Iterator[Missing | Differs]:
    """Yield what recreated tables lose without the revision asking for it."""
    if not (remade := _remade(tried)):
        return
    named = [
        one.effects.dropped
        for one in tried.up.statements
        if not any(kind == "table" for kind, _ in one.effects.dropped)
    ]
    dropped = frozenset[tuple[str, str]]().union(*named)
    for change in diff(tried.ways[0], tried.ways[1]):
        if not isinstance(change, Missing | Differs) or not needs_repair(change):
            continue
        if table_of(change.fact) in remade and not _is_asked_for(change, tried, dropped):
            yield change


def _remade(tried: TriedRevision) -> dict[str, Statement]:
    """Return the tables that upgrade() drops and recreates, each with the statement that drops it."""
    before, after = tried.before, tried.after
    return {
        name: one
        for one in tried.up.statements
        for kind, name in one.effects.dropped
        if kind == "table" and name in before and name in after
    }


def _is_asked_for(change: Missing | Differs, tried: TriedRevision, dropped: frozenset[tuple[str, str]]) -> bool:
    """Return whether the revision asks for a loss: by dropping the object, or altering or dropping a column."""
    fact, after = change.fact, tried.after[table_of(change.fact)]
    columns = {one.name for one in after.columns}
    by_batch = any(table.startswith(BATCH_COPY) for one in tried.up.statements for table in one.effects.inserted)
    match fact:
        case ColumnFact():
            altered = ("column", fact.column.name) in tried.up.asked
            return isinstance(change, Missing) or altered or not by_batch
        case IndexFact():
            named = {("index", fact.index.name)} & (dropped | tried.up.asked)
            return bool(named) or _lacks(columns, (term.expression for term in fact.index.terms))
        case CheckFact():
            return ("constraint", "") in tried.up.asked or _lacks(columns, fact.check.mentions)
        case UniqueFact():
            return ("constraint", "") in tried.up.asked or _lacks(columns, fact.columns)
        case ForeignKeyFact():
            return ("constraint", "") in tried.up.asked or _lacks(columns, fact.foreign_key.columns)
        case TriggerFact():
            return ("trigger", fact.trigger.name) in dropped
        case _:
            return False


def _lacks(columns: set[str], names: Iterable[str]) -> bool:
    return any(name.isidentifier() and name not in columns for name in names)


def in_words(change: Missing | Differs) -> str:
    """Describe a missing object or its differences; empty if their texts are equal, as after a change of collation."""
    if isinstance(change, Missing):
        return describe(change.fact)
    parts = [
        f"{difference.respect} was {difference.expected}, is {difference.actual}"
        for difference in change.differences
        if difference.expected != difference.actual
    ]
    return f"{describe(change.fact)}: {', '.join(parts)}" if parts else ""
