"""Flaws that only rows show: what fails or changes where tables hold some, and rows that come the wrong way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.lint.files import place_of
from architect_migrate.lint.losses import listed
from architect_migrate.lint.rules import Flaw, flaw

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from architect_migrate.databases.sqlite.statement import Statement
    from architect_migrate.lint.trial import Trial, Tried
    from architect_migrate.model.schema import Table

_DATA_STEP = "data_step"


def row_flaws(it: Tried, explained: Collection[int]) -> Iterator[Flaw]:
    """What is wrong with a revision's rows; failures in `explained` lines are told of otherwise."""
    yield from _rows_outside(it)
    yield from (one for one in _with_rows(it) if one.line not in explained)
    yield from _data_step(it)


def _rows_outside(it: Tried) -> Iterator[Flaw]:
    after = it.after
    told: set[str] = set()
    for one in it.up.statements:
        if _DATA_STEP in one.functions:
            continue
        kept = {table for table in one.deeds.inserted | one.deeds.updated if table in after and not after[table].module}
        if not kept or _only_moves(one, after):
            continue
        for table in sorted(kept - told):
            verb = "inserted into" if table in one.deeds.inserted else "updated in"
            message = f"rows are {verb} {table} outside of data_step(), which a database that has the table never runs"
            yield flaw("AM304", place_of(it.file, one.line), message, sql=one.sql)
        told |= kept


def _only_moves(one: Statement, after: dict[str, Table]) -> bool:
    """Whether an INSERT brings over what was in a table that is gone in the end."""
    sources = {table for table, _ in one.deeds.made_of} - one.deeds.inserted
    return bool(sources) and not one.deeds.updated and not sources & set(after)


def _with_rows(it: Tried) -> Iterator[Flaw]:
    """What SQLite refuses: what code raises on rows that were made up may be the fault of the rows."""
    if it.up_with_rows is None or not it.up.sound:
        return
    yield from _only_with_rows("AM302", it, it.up_with_rows)
    if it.down is not None and it.down.sound and it.down_with_rows is not None:
        yield from _only_with_rows("AM501", it, it.down_with_rows)


def _only_with_rows(code: str, it: Tried, trial: Trial) -> Iterator[Flaw]:
    """The first thing that fails with rows: what follows it may be its consequence."""
    for one in trial.failed[:1]:
        message = f"where the tables hold rows: {one.error}"
        yield flaw(code, place_of(it.file, one.line), message, sql=one.sql)


def _data_step(it: Tried) -> Iterator[Flaw]:
    function = it.file.function(_DATA_STEP)
    place = place_of(it.file, function.line if function else 0)
    if it.again:
        yield flaw("AM303", place, f"when data_step() runs once more, {it.again}")
    if it.overwritten:
        message = f"data_step() sets rows of {listed(it.overwritten)} back that were edited after its first run"
        yield flaw("AM305", place, message)
