"""Whether a squashed chain makes what the chain made before: objects by their stored text, rows by their values."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.chain_errors import SquashError
from architect_migrate.core.names import fold
from architect_migrate.databases.registry import temporary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.values import Snapshot, StoredObject, TableRows
    from architect_migrate.model.schema import Index, Object, Table, Trigger, View

_SECONDS_IN_A_DAY = 86_400
# What a second is divided into where a number counts time: nothing, milliseconds, microseconds, nanoseconds.
_UNITS = (1, 10**3, 10**6, 10**9)


class Values(NamedTuple):
    """The values of a column: those of every run, how many are times of a run, how many differ otherwise."""

    steady: Counter[str]
    times: int
    others: int


@dataclass(frozen=True, slots=True)
class Made:
    """What a chain makes of nothing, in two runs, when these ran, and the names of the machine and of the project."""

    first: Snapshot
    second: Snapshot
    at: datetime
    machine: tuple[str, ...] = ()

    def varying(self, table: str) -> frozenset[int]:
        """Return the places of the columns of a table in which two runs differ, or that hold the time of the replay."""
        one = rows_in(self.first, table)
        found = ((at, self.values(table, at)) for at in range(len(one.columns) if one else 0))
        return frozenset(at for at, values in found if values.times or values.others)

    def values(self, table: str, at: int) -> Values:
        """Tell the values of a column that belong to a run from those of the chain."""
        every = (rows_in(one, table) for one in (self.first, self.second))
        one, other = (Counter(row[at] for row in each.rows) if each else Counter[str]() for each in every)
        times = Counter({value: count for value, count in one.items() if tells_the_time(value, self.at)})
        local = Counter({value: count for value, count in one.items() if self._is_local(value)})
        steady = (one & other) - times - local
        return Values(steady, times.total(), one.total() - steady.total() - times.total())

    def _is_local(self, literal: str) -> bool:
        """Whether a value is the machine's name, or a place in the project's folder."""
        host, *folders = self.machine or ("",)
        return literal == f"'{host}'" or any(f"{folder}{os.sep}" in literal for folder in folders)


def tells_the_time(literal: str, now: datetime) -> bool:
    """Return whether an SQL literal is a time of the day of the replay, as text or as a number."""
    if literal.startswith("'"):
        return any(day in literal for day in _days(now))
    try:
        number = float(literal)
    except ValueError:
        return False
    julian = now.timestamp() / _SECONDS_IN_A_DAY + 2_440_587.5
    return abs(number - julian) < 2 or any(abs(number / unit - now.timestamp()) < _SECONDS_IN_A_DAY for unit in _UNITS)


def _days(now: datetime) -> set[str]:
    """The day of a replay as it is usually written, here and in UTC."""
    written = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
    return {day.strftime(each) for day in (now, now.astimezone(UTC)) for each in written}


def rows_in(content: Snapshot, table: str) -> TableRows | None:
    """Return the rows of a table; None if there is no such table."""
    return next((each for each in content.rows if each.table == table), None)


def refuse_changing(made: Made) -> None:
    """Raise SquashError for an object that has another definition at each run, or the day of the replay in it."""
    for one in made.first.objects:
        if one not in made.second.objects and not _are_equal(made.first.objects, made.second.objects, one.name):
            raise _changing(one, "is another one at each run of the chain")
        if any(day in one.sql for day in _days(made.at)):
            raise _changing(one, "has the day of today in its definition")
    known = {fold(each.name) for each in made.first.objects}
    if new := [each for each in made.second.objects if fold(each.name) not in known]:
        raise _changing(new[0], "is not there after each run of the chain")


def _changing(each: StoredObject, problem: str) -> SquashError:
    advice = "nothing was written: let the revision make the same each time, or squash up to an earlier one"
    return SquashError(f"{each.kind} {each.name}", problem, advice)


def prove(before: Made, after: Made, place: str) -> None:
    """Raise SquashError unless the squashed chain makes the same at a place in the chain."""
    if found := next(differences(before, after), ""):
        advice = "nothing was written: squash up to an earlier revision, or write the revision by hand"
        raise SquashError(place, f"the squashed chain would not make the same: {found}", advice)


def differences(before: Made, after: Made) -> Iterator[str]:
    """Describe what differs from what was made before. Values of a run must be values of a run again."""
    old, new = ({(each.kind, each.name): each for each in its.first.objects} for its in (before, after))
    for (kind, name), each in old.items():
        if (kind, name) not in new:
            yield f"{kind} {name} would be missing"
        elif new[kind, name] != each and not _are_equal(before.first.objects, after.first.objects, name):
            yield f"{kind} {name} would have another definition"
    lost = (each for each in before.first.settings if each not in after.first.settings)
    yield from (f"PRAGMA {name} would not be {value}" for name, value in lost)
    yield from (f"{kind} {name} would be new" for kind, name in new.keys() - old.keys())
    for table in before.first.rows:
        varying = before.varying(table.table)
        yield from _of_rows(table, rows_in(after.first, table.table), varying)
        for at in varying:
            if before.values(table.table, at) != after.values(table.table, at):
                yield f"column {table.table}.{table.columns[at]} would not get its values in the same way"


def _are_equal(old: tuple[StoredObject, ...], new: tuple[StoredObject, ...], name: str) -> bool:
    """Whether objects of a name are the same in another text.

    Why: Alembic's batch operations write the constraints of a table in an order that no two runs have to share.
    """
    return _named(old, name) == _named(new, name)


def _named(objects: tuple[StoredObject, ...], name: str) -> list[Table | Index | Trigger | View | Object]:
    schema = temporary.schema_of([(each.kind, each.sql) for each in objects], ())
    every: list[Table | Index | Trigger | View | Object] = [
        *schema.tables,
        *schema.indexes,
        *schema.triggers,
        *schema.views,
        *schema.objects,
    ]
    return [each for each in every if each.name == fold(name)]


def _of_rows(before: TableRows, after: TableRows | None, varying: frozenset[int]) -> Iterator[str]:
    if after is None:
        return
    if len(before.rows) != len(after.rows):
        yield f"table {before.table} would have {len(after.rows):,} rows, and has {len(before.rows):,}"
        return
    steady = [at for at in range(len(before.columns)) if at not in varying]
    one, other = (Counter(tuple(row[at] for at in steady) for row in each.rows) for each in (before, after))
    if one != other:
        yield f"rows of table {before.table} would have other values"
