"""Flaws of what a revision does: to schemas, to rows that are there, and to the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.lint.files import place_of
from architect_migrate.lint.losses import in_words, listed, loss_flaws, losses
from architect_migrate.lint.rows import row_flaws
from architect_migrate.lint.rules import Flaw, flaw
from architect_migrate.model.diff import Differs, Extra, Missing, change_key, diff, needs_repair
from architect_migrate.model.facts import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from architect_migrate.databases.sqlite.statement import Statement
    from architect_migrate.lint.rules import Place
    from architect_migrate.lint.trial import Tried
    from architect_migrate.model.diff import Change
    from architect_migrate.model.schema import Table


def effect_flaws(it: Tried) -> Iterator[Flaw]:
    """What is wrong with what a revision does, where all of its statements run."""
    yield from _demanding_columns(it)
    yield from _references(it)
    yield from _broken(it)
    yield from row_flaws(it, frozenset(one.line for one in _demanding_columns(it)))
    yield from loss_flaws(it)
    yield from _way_back(it)


def _demanding_columns(it: Tried) -> Iterator[Flaw]:
    before, after = it.before, it.after
    for name, table in after.items():
        known = {column.name for column in before[name].columns} if name in before else set()
        for column in table.columns if known else ():
            if column.name not in known and _demands(table, column.name) and not _proven_with_rows(it, name):
                message = f"{name}.{column.name} is NOT NULL and has no default, and {name} may hold rows"
                fix = f"give it a default, or fill it first and then make it NOT NULL ({name} has been there before)"
                yield flaw("AM301", _touching(it, name), message, fix)


def _proven_with_rows(it: Tried, table: str) -> bool:
    """Whether all that upgrade() does to a table was done while that held rows: a column may be filled on the way."""
    if it.up_with_rows is None or table not in it.filled or it.up_with_rows.failed:
        return False
    all_of_it = sum(_touches(one, table) for one in it.up.statements)
    return sum(_touches(one, table) for one in it.up_with_rows.statements) == all_of_it


def _demands(table: Table, name: str) -> bool:
    column = next(one for one in table.columns if one.name == name)
    is_rowid = table.rowid_key and name in table.primary_key
    return column.not_null and column.default is None and column.generated is None and not is_rowid


def _references(it: Tried) -> Iterator[Flaw]:
    before, after = it.before, it.after
    there = set(after)
    for name, table in after.items():
        old = before[name].foreign_keys if name in before else frozenset()
        for key in sorted(table.foreign_keys - old, key=repr):
            if key.parent not in there:
                message = f"{name}({', '.join(key.columns)}) refers to {key.parent}, and there is no such table"
                yield flaw("AM211", _touching(it, name), message)
    for name, error in it.mismatched:
        yield flaw("AM211", _touching(it, name), error)


def _broken(it: Tried) -> Iterator[Flaw]:
    for kind, name, error in it.broken:
        place = _where(it, [one for one in it.up.statements if (kind, name) in one.deeds.created])
        yield flaw("AM212", place, f"{kind} {name}: {error}")


def _way_back(it: Tried) -> Iterator[Flaw]:
    function = it.file.function("downgrade")
    if it.down is None or (function is not None and (function.idle or function.refuses)):
        return
    for one in it.down.failed[:1]:
        yield flaw(
            "AM501",
            place_of(it.file, one.line),
            f"it tries to {one.refused}" if one.refused else one.error,
            sql=one.sql,
        )
    if it.down.raised and not it.down.failed:
        yield flaw("AM501", place_of(it.file, it.down.raised_line), f"downgrade() raises {it.down.raised}")
    if it.down.sound and it.ways[2] is not None and it.ways[2] != it.ways[0]:
        known = {change_key(change) for change in losses(it)}
        left = [
            _left(change)
            for change in diff(it.ways[0], it.ways[2])
            if (needs_repair(change) or isinstance(change, Extra)) and change_key(change) not in known
        ]
        if left:
            place = place_of(it.file, function.line if function else 0)
            yield flaw("AM502", place, f"after upgrade() and downgrade(): {listed(left, '; ')}")


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


def _touching(it: Tried, table: str) -> Place:
    """Where upgrade() last creates, alters or drops a table."""
    return _where(it, [one for one in it.up.statements if _touches(one, table)])


def _touches(one: Statement, table: str) -> bool:
    return table in one.deeds.altered or ("table", table) in one.deeds.created | one.deeds.dropped


def _where(it: Tried, statements: Sequence[Statement]) -> Place:
    """The last of some statements; upgrade() itself where there is none."""
    function = it.file.function("upgrade")
    return place_of(it.file, statements[-1].line if statements else function.line if function else 0)
