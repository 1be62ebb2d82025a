"""What only PostgreSQL says of a table, a column, an index or a materialized view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from architect_migrate.model.detail import Detail, Difference, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass(frozen=True, slots=True)
class PostgresColumn(Detail):
    """`identity` are the words after GENERATED, with options that are not the defaults; `options` a foreign table's."""

    identity: str = ""
    options: tuple[str, ...] = ()


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
CLASSES = (PostgresColumn, PostgresTable, PostgresIndex, PostgresMaterializedView, PostgresUnread)
