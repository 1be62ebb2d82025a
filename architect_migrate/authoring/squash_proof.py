"""Whether a squashed chain makes what the chain made before: objects by their stored text, rows by their values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import SquashError
from architect_migrate.core.names import fold
from architect_migrate.databases import access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.values import Snapshot, StoredObject, TableRows
    from architect_migrate.model.schema import Index, Table, Trigger, View

_SECONDS_IN_A_DAY = 86_400
# What a second is divided into where a number counts time: nothing, milliseconds, microseconds, nanoseconds.
_UNITS = (1, 10**3, 10**6, 10**9)


@dataclass(frozen=True, slots=True)
class Made:
    """What a chain makes of nothing, in two runs, and when these ran."""

    first: Snapshot
    second: Snapshot
    at: datetime

    def varying(self, table: str) -> frozenset[int]:
        """Return the places of the columns of a table in which two runs differ, or that hold the time of the replay."""
        one, other = rows_in(self.first, table), rows_in(self.second, table)
        if one is None or other is None:
            return frozenset()
        return frozenset(
            at
            for at in range(len(one.columns))
            if Counter(row[at] for row in one.rows) != Counter(row[at] for row in other.rows)
            or any(tells_the_time(row[at], self.at) for row in one.rows)
        )


def tells_the_time(literal: str, now: datetime) -> bool:
    """Return whether an SQL literal is a time of the day of the replay, as text or as a number."""
    days = {now.date().isoformat(), now.astimezone(UTC).date().isoformat()}
    if literal.startswith("'"):
        return any(day in literal for day in days)
    try:
        number = float(literal)
    except ValueError:
        return False
    julian = now.timestamp() / _SECONDS_IN_A_DAY + 2_440_587.5
    return abs(number - julian) < 2 or any(abs(number / unit - now.timestamp()) < _SECONDS_IN_A_DAY for unit in _UNITS)


def rows_in(content: Snapshot, table: str) -> TableRows | None:
    """Return the rows of a table; None if there is no such table."""
    return next((each for each in content.rows if each.table == table), None)


def prove(before: Made, after: Snapshot, place: str) -> None:
    """Raise SquashError unless the squashed chain makes the same at a place in the chain."""
    if found := next(differences(before, after), ""):
        advice = "nothing was written: squash up to an earlier revision, or write the revision by hand"
        raise SquashError(place, f"the squashed chain would not make the same: {found}", advice)


def differences(before: Made, after: Snapshot) -> Iterator[str]:
    """Describe what differs from what was made before; columns that vary between two runs do not count."""
    old, new = ({(each.kind, each.name): each for each in its.objects} for its in (before.first, after))
    for (kind, name), each in old.items():
        if (kind, name) not in new:
            yield f"{kind} {name} would be missing"
        elif new[kind, name] != each and not _are_equal(before.first.objects, after.objects, name):
            yield f"{kind} {name} would have another definition"
    yield from (f"{kind} {name} would be new" for kind, name in new.keys() - old.keys())
    for table in before.first.rows:
        yield from _of_rows(table, rows_in(after, table.table), before.varying(table.table))


def _are_equal(old: tuple[StoredObject, ...], new: tuple[StoredObject, ...], name: str) -> bool:
    """Whether objects of a name are the same in another text.

    Why: Alembic's batch operations write the constraints of a table in an order that no two runs have to share.
    """
    return _named(old, name) == _named(new, name)


def _named(objects: tuple[StoredObject, ...], name: str) -> list[Table | Index | Trigger | View]:
    schema = access.schema_of([(each.kind, each.sql) for each in objects], ())
    every: list[Table | Index | Trigger | View] = [*schema.tables, *schema.indexes, *schema.triggers, *schema.views]
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
