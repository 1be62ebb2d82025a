"""Facts about any database as values: its content, its rows compared with another's, its integrity, proofs."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from architect_migrate.core.database_errors import CommitFailedError
    from architect_migrate.model.schema import Trigger


_NOTHING: frozenset[str] = frozenset()
# What reads a value of each storage class from the text of a `Constant`.
_CLASSES: Mapping[str, Callable[[str], object]] = {
    "null": str,
    "integer": int,
    "real": float,
    "blob": bytes.fromhex,
    "text": bytes.fromhex,
}
_NO_COLUMNS: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of a database as it is stored: its kind, its name, the table that it belongs to, its statement."""

    kind: str
    name: str
    table: str
    sql: str


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of a table, each value as an SQL literal; `defaults` are the SQL texts of its columns' defaults."""

    table: str
    columns: tuple[str, ...]
    defaults: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything in a database: its objects in the order of their creation, and the rows of its tables.

    `shadows` are the tables that SQLite keeps for virtual ones: they are among the rows, and not among the objects.
    `settings` are numbers that the application keeps in the file's header.
    """

    objects: tuple[StoredObject, ...]
    rows: tuple[TableRows, ...]
    shadows: frozenset[str] = frozenset()
    settings: tuple[tuple[str, int], ...] = ()


class Became(Enum):
    """What became of an object between two contents of a database."""

    NEW = "is new"
    GONE = "is gone"
    REDEFINED = "is defined differently"
    OTHER_ROWS = "has other rows"
    OTHER_HEADER = "has another value"


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between two contents: of an object (`table notes`), or of a value in the file's header."""

    subject: str
    became: Became
    found: str = ""

    def __str__(self) -> str:
        return f"{self.subject}: {self.found or self.became.value}"


@dataclass(frozen=True, slots=True)
class Rows:
    """The number of a table's rows, and the digest of every value with its row's key."""

    number: int
    digest: str


# A column with the value that it has in every row: name, storage class, and the value as text, which is decimal for
# numbers and hexadecimal for the bytes of blobs and text.
Constant: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Unread:
    """The number of a table's rows that were not read: they are those of the backup that the content is recorded with.

    `added` are columns that a run added to the table without writing its rows.
    """

    number: int
    added: tuple[Constant, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded of the content of a database, as `Content`; rows that were not read are in the backup."""

    objects: Mapping[str, str]
    tables: Mapping[str, Rows | Unread]
    header: Mapping[str, str]

    @property
    def rows(self) -> int:
        """The number of rows of all tables together."""
        return sum(table.number for table in self.tables.values())

    @property
    def digest(self) -> str:
        """One digest (128 bits) of the whole content."""
        text = json.dumps(to_json(self), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Content(Recorded):
    """The content of a database: digests of objects' texts by `type name`, rows by table, and header values."""

    tables: Mapping[str, Rows]


def differences(then: Content, now: Content) -> tuple[Difference, ...]:
    """The differences of `now` from `then`, one for each object; empty exactly if both hold the same."""
    return (*_tables(then, now), *_others(then, now), *_headers(then, now))


def _tables(then: Content, now: Content) -> Iterator[Difference]:
    for name in sorted({*then.tables, *now.tables}):
        old, new = then.tables.get(name), now.tables.get(name)
        if old == new:
            continue
        if old is None and new is not None:
            yield Difference(f"table {name}", Became.NEW, f"is new, with {_count(new.number)}")
        elif new is None and old is not None:
            yield Difference(f"table {name}", Became.GONE, f"is gone, with {_count(old.number)}")
        elif old is not None and new is not None:
            same = old.number == new.number
            other = f"other values in its {_count(new.number)}"
            found = other if same else f"has {_count(new.number)}, had {old.number:,}"
            yield Difference(f"table {name}", Became.OTHER_ROWS, found)


def _others(then: Content, now: Content) -> Iterator[Difference]:
    """Objects other than tables that were added or removed, and objects with another text.

    Added and removed tables are reported with their rows already.
    """
    with_rows = {f"table {name}" for name in (*then.tables, *now.tables)}
    for key in sorted({*then.objects, *now.objects}):
        old, new = then.objects.get(key), now.objects.get(key)
        if old == new or (None in {old, new} and key in with_rows):
            continue
        yield Difference(key, Became.NEW if old is None else Became.GONE if new is None else Became.REDEFINED)


def _headers(then: Content, now: Content) -> Iterator[Difference]:
    for name, value in sorted(now.header.items()):
        if then.header.get(name) != value:
            yield Difference(name, Became.OTHER_HEADER, f"is {value}, was {then.header.get(name)}")


def _count(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def to_json(content: Recorded) -> dict[str, Any]:
    """The content as JSON's own types."""
    tables = {
        name: [rows.number, rows.digest if isinstance(rows, Rows) else [list(column) for column in rows.added]]
        for name, rows in content.tables.items()
    }
    return {"objects": dict(content.objects), "tables": tables, "header": dict(content.header)}


def from_json(document: dict[str, Any]) -> Recorded:
    """The content from the output of `to_json`. Raises KeyError, TypeError or ValueError for anything else."""
    tables = {str(name): _rows(int(number), known) for name, (number, known) in dict(document["tables"]).items()}
    objects = {str(name): str(digest) for name, digest in dict(document["objects"]).items()}
    return Recorded(objects, tables, {str(name): str(value) for name, value in dict(document["header"]).items()})


def _rows(number: int, known: str | list[list[str]]) -> Rows | Unread:
    if isinstance(known, str):
        return Rows(number, known)
    for _, kind, value in known:
        _CLASSES[kind](value)
    return Unread(number, tuple((str(column), kind, value) for column, kind, value in known))


@dataclass(frozen=True, slots=True)
class Backup:
    """A verified backup: `size` in bytes, content that it shares with the database, a server's number of the moment.

    `file` is the digest of its bytes where these were compared instead of rows, else empty.
    """

    path: Path
    size: int
    content: Recorded
    file: str = ""
    since: str = ""

    @property
    def tables(self) -> int:
        """The number of tables with rows of their own."""
        return len(self.content.tables)

    @property
    def rows(self) -> int:
        """The number of rows of all tables together."""
        return self.content.rows

    @property
    def digest(self) -> str:
        """One digest of the whole content, or of the file where no rows were read."""
        return self.file or self.content.digest


@dataclass(frozen=True, slots=True)
class TableDelta:
    """One table compared with the other database: rows only here, rows with other values, rows only there.

    `lacking` are rows that the other database lacks, `returning` rows that only the other has. `columns` are those that
    only this one has, each with its number of non-NULL values; `gone` means that the other has no such table. Where no
    key identifies rows, only their numbers are compared, and `exact` is false.
    """

    table: str
    lacking: int
    changed: int
    returning: int
    columns: tuple[tuple[str, int], ...] = ()
    gone: bool = False
    exact: bool = True


# An orphan, a row whose foreign key refers to no row: table, rowid (or its key where it has none), parent, and the
# number of keys before this one. Why no column: a revision may rename it.
Violation: TypeAlias = "tuple[str, int | tuple[object, ...], str, int]"
Violations: TypeAlias = "frozenset[Violation]"


@dataclass(frozen=True, slots=True)
class Orphans:
    """The number of orphans of a table in one parent, and the first rowids (none where rows have no rowid)."""

    table: str
    parent: str
    rows: int
    rowids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """The outcome of checking foreign keys: the number of tables with any, orphans, and (table, reason) not checked."""

    tables: int
    orphans: tuple[Orphans, ...]
    unchecked: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Integrity:
    """The outcome of integrity_check: at most ten lines about the file, and rows by line about their values.

    `unchecked` are the tables that SQLite could not check, and why. Rows can violate a declaration because an
    application had switched CHECK off, or through an older SQLite or by hand. `check` names what was asked.
    """

    damage: tuple[str, ...] = ()
    broken: Counter[str] = field(default_factory=Counter)
    unchecked: tuple[tuple[str, str], ...] = ()
    check: str = "integrity_check"

    def worse_than(self, before: Counter[str]) -> tuple[str, ...]:
        """Damage of the file, and violations by rows beyond those in `before`."""
        return (*self.damage, *forbidden_values(self.broken - before))

    def left(self) -> tuple[str, ...]:
        """The warning about rows that a run leaves as they are; empty without such rows."""
        lines = ", ".join(forbidden_values(self.broken))
        return (f"rows that violate their own table's declarations, left as they were: {lines}",) if lines else ()


def forbidden_values(broken: Mapping[str, int]) -> tuple[str, ...]:
    """A line for each kind of violation, in SQLite's words, with the number of rows."""
    return tuple(f"{line} ({number:,} rows)" if number > 1 else line for line, number in sorted(broken.items()))


class CommitOutcome(Enum):
    """The state of a database around a commit; UNKNOWN: it cannot be read, or is in neither of the two states."""

    BEFORE = "before"
    AFTER = "after"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Committed:
    """What has to be found again after a commit: the stamp, device and inode of the file, the schema's digest.

    The digest leaves out the tables `without`. On a server there is no file, and `transaction` are the server's number
    of the transaction and the time at which the server was started.
    """

    stamp: tuple[str, ...]
    file: tuple[int, int]
    schema: str
    without: tuple[str, ...]
    transaction: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class TriggerWrite:
    """A write that a trigger may make: an insert, update or delete of rows of `table`, by its folded name.

    With the verb `filter` it may change or leave out rows that others write. The trigger is given by its name, the
    table that it is `on`, its text, and `read` as its kind of database reads it; `column` is what an update sets.
    """

    trigger: str
    on: str
    sql: str
    verb: str
    table: str
    column: str = ""
    read: Trigger | None = None


class Placed(NamedTuple):
    """A table or view that a statement names by place, with its columns, in order, at that moment; all folded.

    `alone` says that further columns at its end make no difference.
    """

    table: str
    columns: tuple[str, ...]
    alone: bool


@dataclass(slots=True)
class Writes:
    """What statements wrote: tables inserted into, columns updated, tables deleted from, tables dropped.

    `dropped_columns` are the columns (table, column) that ALTER TABLE dropped.
    `triggers` are (name, table, text), by folded names, of the triggers that were there before, `triggered` what they
    wrote; what a trigger wrote that the code itself made is the code's own. `copying` are the statements that fill one
    table from another or rename one, each with the number of those that alter a table up to it, `left_out` (table, the
    one that is filled) how many rows they leave out, and `cast` the columns of recreated tables that they cast.
    `restored` has a line for each object that was dropped and restored, and `remade` the recreated tables. `by_place`
    are the tables that statements name by place, each with the first of these statements.
    """

    inserted: set[str] = field(default_factory=set)
    updated: set[tuple[str, str]] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    dropped_columns: set[tuple[str, str]] = field(default_factory=set)
    remade: set[str] = field(default_factory=set)
    triggers: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    triggered: set[TriggerWrite] = field(default_factory=set)
    copying: dict[tuple[int, str], None] = field(default_factory=dict)
    left_out: dict[tuple[str, str], int] = field(default_factory=dict)
    cast: set[tuple[str, str]] = field(default_factory=set)
    restored: list[str] = field(default_factory=list)
    by_place: dict[Placed, str] = field(default_factory=dict)

    @property
    def copies(self) -> tuple[str, ...]:
        """The statements that fill one table from another or rename one, in their order."""
        return tuple(text for _, text in self.copying)

    def copied(self, text: str, *, alters: bool, most: int) -> None:
        """Take in such a statement; one that fills a table counts once until the next that alters one."""
        number = next(reversed(self.copying), (0, ""))[0]
        if alters or len(self.copying) < most:
            self.copying[number + alters, text] = None

    def tables(self) -> frozenset[str]:
        """The tables whose rows were written; copies by batch operations do not count, since they only move rows."""
        swept = {write.table for write in self.triggered}
        return frozenset(
            self.inserted
            | {table for table, _ in self.updated}
            | self.deleted
            | {table for table, _ in self.dropped_columns}
            | swept
        )


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table of before a run whose rows a revision copies to `target`; there the revision calls it `source`."""

    table: str
    revision: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Permitted:
    """The changes to existing rows that a run may make; all names are folded, columns are (table, column).

    Rows of `touched` tables are compared value by value, those of other tables counted. Columns in `updated` may
    change, and values of `converted` columns may become what their new type stores for them without a loss. Rows of
    `deleted_from` may be deleted, rows of `replaced` may get other values, rows of `remade` tables may have other
    rowids, and `removed_columns` are not checked. A table of `renamed` (before, after) appears under its new name;
    values of `renamed_columns` (table, before, after) are read under the new name. `removed_tables` are names of
    before; rows of those in `moved` (table, new table, pairs of columns) are looked for in the new table. Of a table in
    `left_out` (table, least, most) the copy that takes its place leaves out so many rows of before.
    """

    touched: frozenset[str]
    updated: frozenset[tuple[str, str]] = _NO_COLUMNS
    converted: frozenset[tuple[str, str]] = _NO_COLUMNS
    removed_columns: frozenset[tuple[str, str]] = _NO_COLUMNS
    removed_tables: frozenset[str] = _NOTHING
    deleted_from: frozenset[str] = _NOTHING
    replaced: frozenset[str] = _NOTHING
    remade: frozenset[str] = _NOTHING
    renamed: frozenset[tuple[str, str]] = _NO_COLUMNS
    renamed_columns: frozenset[tuple[str, str, str]] = frozenset()
    moved: frozenset[tuple[str, str, tuple[tuple[str, str], ...]]] = frozenset()
    left_out: frozenset[tuple[str, int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Loss:
    """A row or value that was lost; `key` names the row (empty: the whole table)."""

    table: str
    key: str
    problem: str


@dataclass(frozen=True, slots=True)
class TableProof:
    """The proof of one table: `gone` of `rows_before` were deleted; `compared` says that values were compared.

    All are gone where the table was `dropped`, also if there is another one of its name.
    `digest` covers the original columns of the original rows, as they are afterwards (empty if not compared).
    """

    table: str
    rows_before: int
    gone: int
    compared: bool
    digest: str
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class RowProof:
    """The proofs of all tables by name, the number of losses, and the first twenty losses.

    Of `unwritten` further tables no row was read: the server shows that none was updated or deleted.
    """

    tables: tuple[TableProof, ...]
    losses: tuple[Loss, ...]
    lost: int
    unwritten: int = 0


def no_progress(_words: str) -> None:
    """Ignore progress."""


def settled(error: CommitFailedError, outcome: CommitOutcome) -> str:
    """The warning about a commit that reported an error but is complete. Raises the error in all other cases.

    The error says so where the content shows that nothing was committed.
    """
    match outcome:
        case CommitOutcome.AFTER:
            return error.all_of_it()
        case CommitOutcome.BEFORE:
            raise error.none_of_it() from error
        case CommitOutcome.UNKNOWN:
            raise error
