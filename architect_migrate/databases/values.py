"""What is found out about any database, as values: its contents, its rows beside another's, its soundness, proofs."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


_NOTHING: frozenset[str] = frozenset()
_NO_COLUMNS: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Rows:
    """A table's rows: how many, and the digest of every value with its row's key."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Content:
    """Everything in a database: the digest of each object's text by `type name`, rows by table, the header's values."""

    objects: Mapping[str, str]
    tables: Mapping[str, Rows]
    header: Mapping[str, str]

    @property
    def rows(self) -> int:
        """The rows of all tables together."""
        return sum(table.number for table in self.tables.values())

    @property
    def digest(self) -> str:
        """One digest (128 bits) of it all."""
        text = json.dumps(to_json(self), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def differences(then: Content, now: Content) -> tuple[str, ...]:
    """What is another in `now`, one line an object; empty exactly where both hold the same."""
    return (*_tables(then, now), *_others(then, now), *_headers(then, now))


def _tables(then: Content, now: Content) -> Iterator[str]:
    for name in sorted({*then.tables, *now.tables}):
        old, new = then.tables.get(name), now.tables.get(name)
        if old == new:
            continue
        if old is None and new is not None:
            yield f"table {name}: is new, with {_count(new.number)}"
        elif new is None and old is not None:
            yield f"table {name}: is gone, with {_count(old.number)}"
        elif old is not None and new is not None:
            same = old.number == new.number
            yield f"table {name}: " + (
                f"other values in its {_count(new.number)}" if same else f"has {_count(new.number)}, had {old.number:,}"
            )


def _others(then: Content, now: Content) -> Iterator[str]:
    """Objects other than tables that came and went, which are told with their rows; and other texts of any."""
    for key in sorted({*then.objects, *now.objects}):
        old, new = then.objects.get(key), now.objects.get(key)
        if old == new or (None in {old, new} and key.removeprefix("table ") in {*then.tables, *now.tables}):
            continue
        yield f"{key}: " + ("is new" if old is None else "is gone" if new is None else "is defined otherwise")


def _headers(then: Content, now: Content) -> Iterator[str]:
    for name, value in sorted(now.header.items()):
        if then.header.get(name) != value:
            yield f"{name}: is {value}, was {then.header.get(name)}"


def _count(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def to_json(content: Content) -> dict[str, Any]:
    """The content as JSON's own types."""
    tables = {name: [rows.number, rows.digest] for name, rows in content.tables.items()}
    return {"objects": dict(content.objects), "tables": tables, "header": dict(content.header)}


def from_json(found: dict[str, Any]) -> Content:
    """The content that `to_json` gave; raises KeyError, TypeError or ValueError for anything else."""
    tables = {str(name): Rows(int(number), str(digest)) for name, (number, digest) in dict(found["tables"]).items()}
    objects = {str(name): str(digest) for name, digest in dict(found["objects"]).items()}
    return Content(objects, tables, {str(name): str(value) for name, value in dict(found["header"]).items()})


@dataclass(frozen=True, slots=True)
class Backup:
    """A verified backup: `size` in bytes, and what both it and the database hold."""

    path: Path
    size: int
    content: Content

    @property
    def tables(self) -> int:
        """How many tables hold rows of their own."""
        return len(self.content.tables)

    @property
    def rows(self) -> int:
        """The rows of all tables together."""
        return self.content.rows

    @property
    def digest(self) -> str:
        """One digest of all that it holds."""
        return self.content.digest


@dataclass(frozen=True, slots=True)
class TableDelta:
    """One table now, against another database: rows only here (`lacking` there), with other values, only there.

    `columns` are those that only this one has, each with the number of its values that are not NULL; `gone` says that
    the other has no such table at all. Where no key tells rows apart, only their numbers are compared, and `exact`
    is false.
    """

    table: str
    lacking: int
    changed: int
    returning: int
    columns: tuple[tuple[str, int], ...] = ()
    gone: bool = False
    exact: bool = True


# A row that refers to nothing: table, rowid (or its key where it has none), parent, and by how many keys before this
# one. No column tells them apart, since a revision may rename it.
Violation: TypeAlias = "tuple[str, int | tuple[object, ...], str, int]"
Violations: TypeAlias = "frozenset[Violation]"


@dataclass(frozen=True, slots=True)
class Orphans:
    """How many rows of a table refer to nothing in a parent, and the first rowids (none where rows have no rowid)."""

    table: str
    parent: str
    rows: int
    rowids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """What foreign keys come to: `tables` that have any, rows that dangle, and tables of which SQLite cannot tell."""

    tables: int
    orphans: tuple[Orphans, ...]
    unchecked: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Integrity:
    """`damage` are at most ten lines of SQLite's on the file, `broken` how many rows have each line on their values.

    Rows can come to break a declaration: by an application that has switched CHECK off, by an older SQLite, by hand.
    """

    damage: tuple[str, ...] = ()
    broken: Counter[str] = field(default_factory=Counter)

    def worse_than(self, before: Counter[str]) -> tuple[str, ...]:
        """What is wrong with the file, and with rows beyond what was `broken` before."""
        return (*self.damage, *forbidden_values(self.broken - before))

    def left(self) -> tuple[str, ...]:
        """The warning about rows that a run leaves as they are; empty where there are none."""
        said = ", ".join(forbidden_values(self.broken))
        return (f"left as they were, rows that their own table forbids: {said}",) if said else ()


def forbidden_values(broken: Mapping[str, int]) -> tuple[str, ...]:
    """A line for each kind of row, as SQLite has it, with how many there are."""
    return tuple(f"{line} ({number:,} rows)" if number > 1 else line for line, number in sorted(broken.items()))


class CommitOutcome(Enum):
    """Which of the two moments around a commit a database is in; UNKNOWN: it cannot be read, or is in neither."""

    BEFORE = "before"
    AFTER = "after"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Permitted:
    """What a run may do to rows that were there; every name folded, columns as (table, column).

    The rows of `touched` tables are compared, those of others only counted. A column in `updated` may change, rows
    of `deleted_from` may go, rows of `remade` ones may have other rowids where a primary key tells them apart, and
    nothing is asked of `removed_columns` and `removed_tables`. A table of `renamed` (before, after) is spoken of by the
    name that it has after; the values of `renamed_columns` (table, before, after) are looked for under the new name.
    """

    touched: frozenset[str]
    updated: frozenset[tuple[str, str]] = _NO_COLUMNS
    removed_columns: frozenset[tuple[str, str]] = _NO_COLUMNS
    removed_tables: frozenset[str] = _NOTHING
    deleted_from: frozenset[str] = _NOTHING
    remade: frozenset[str] = _NOTHING
    renamed: frozenset[tuple[str, str]] = _NO_COLUMNS
    renamed_columns: frozenset[tuple[str, str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Loss:
    """A row or value that was there and is not: `key` names the row (empty: the table as a whole)."""

    table: str
    key: str
    problem: str


@dataclass(frozen=True, slots=True)
class TableProof:
    """One table's rows: `gone` of `rows_before` are no longer there; `compared` says that values were compared.

    `digest` is of the original columns of the original rows as found after (empty where not compared).
    """

    table: str
    rows_before: int
    gone: int
    compared: bool
    digest: str


@dataclass(frozen=True, slots=True)
class RowProof:
    """Every table's proof by name; of `lost` losses in all, the first twenty."""

    tables: tuple[TableProof, ...]
    losses: tuple[Loss, ...]
    lost: int
