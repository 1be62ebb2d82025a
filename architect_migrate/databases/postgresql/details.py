"""What only PostgreSQL says of a table, a column, an index or a materialized view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from architect_migrate.model.detail import Detail, Difference, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass(frozen=True, slots=True)
class PostgresColumn(Detail):
    """`identity` are the words after GENERATED, with options that are not the defaults; `options` a foreign table's."""

    identity: str = ""
    options: tuple[str, ...] = ()

    def differences(self, actual: Self) -> Iterator[Difference]:
        """Yield the differences; an identity that only starts further on is no drift (see `PostgresSequence`)."""
        (words, start), (others, found) = _start(self.identity), _start(actual.identity)
        for each in Detail.differences(self, actual):
            is_start = each.respect == "identity" and words == others
            is_further = is_start and _is_further(start, found, "INCREMENT BY -" in words)
            yield replace(each, severity=Severity.COSMETIC) if is_further else each


@dataclass(frozen=True, slots=True)
class PostgresSequence(Detail):
    """Where a sequence starts, empty for the usual place, and whether it counts down.

    One that starts further on than the chain's is no drift: a revision that sets the start by the rows that it finds
    does so, and no number is given out again.
    """

    start: str = ""
    counts_down: bool = False

    def differences(self, actual: Self) -> Iterator[Difference]:
        """Yield where the sequence starts, if elsewhere."""
        if self.start != actual.start:
            is_further = _is_further(self.start, actual.start, self.counts_down)
            severity = Severity.COSMETIC if is_further else Severity.BEHAVIOURAL
            yield Difference("start", self.start or "the usual one", actual.start or "the usual one", severity)


def _start(identity: str) -> tuple[str, str]:
    """The words of an identity without its start, and the start; empty for the usual one."""
    before, _, after = identity.partition(" START WITH ")
    start, _, rest = after.partition(" ")
    return f"{before} {rest}".strip(), start


def _is_further(start: str, other: str, counts_down: bool) -> bool:
    """Whether a sequence starts further on; the usual start is the first number that there is."""
    if not (start and other):
        return bool(other)
    return int(other) < int(start) if counts_down else int(other) > int(start)


@dataclass(frozen=True, slots=True)
class PostgresTable(Detail):
    """`bound` is which rows a partition of `parents` has; other tables inherit from their parents.

    `server` and `options` are a foreign table's. `row_security` and `replica_identity` are in words, empty by default.
    """

    partitioning: str = ""
    bound: str = ""
    parents: tuple[str, ...] = ()
    persistence: str = "permanent"
    row_security: str = ""
    replica_identity: str = ""
    of_type: str = ""
    access_method: str = "heap"
    server: str = ""
    options: tuple[str, ...] = ()

    def harm(self, tables: Collection[str]) -> str:
        """Return that a table inherits from one of the chain; a partition of one is where its rows belong."""
        of = sorted({*self.parents} & {*tables})
        return f"statements on {of[0]} also find and change its rows" if of and not self.bound else ""


@dataclass(frozen=True, slots=True)
class PostgresIndex(Detail):
    """`parent` is the index of the partitioned table that this one is a part of."""

    method: str = "btree"
    include: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    valid: bool = True
    parent: str = ""


@dataclass(frozen=True, slots=True)
class PostgresMaterializedView(Detail):
    """Whether there are rows to select. One that was filled since its revision made it empty is no difference."""

    populated: bool = True

    def differences(self, actual: Self) -> Iterator[Difference]:
        """Yield that a query fails here which runs on the chain's view."""
        if self.populated and not actual.populated:
            yield Difference("rows", "populated", "not populated", Severity.BREAKING)


@dataclass(frozen=True, slots=True)
class PostgresUnread(Detail):
    """Objects of a kind whose definitions are not read, as pairs of a name and a digest of its rows in the catalogs."""

    definitions: tuple[tuple[str, str], ...] = ()

    def differences(self, actual: Self) -> Iterator[Difference]:
        """Yield the objects of one name that are defined otherwise."""
        theirs = dict(actual.definitions)
        for name, digest in self.definitions:
            if theirs.get(name, digest) != digest:
                yield Difference(name, "as the chain makes it", "defined otherwise", Severity.BEHAVIOURAL)


# The classes that `codec.load` may create when it reads a schema from a cache.
CLASSES = (
    PostgresColumn,
    PostgresSequence,
    PostgresTable,
    PostgresIndex,
    PostgresMaterializedView,
    PostgresUnread,
)
