"""Proves that no row was lost: compares the backup's rows with those in the open transaction, value by value."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, assert_never

from architect_migrate.core.names import fold, quote
from architect_migrate.core.text import pluralize
from architect_migrate.databases.sqlite.rows.conversion import as_stored_in, survives
from architect_migrate.databases.sqlite.rows.exact import (
    by_values,
    codec_of,
    exact,
    new_digest,
    number_of_rows,
    of_columns,
    own_key,
    passes,
    row_tables,
    select,
)
from architect_migrate.databases.sqlite.rows.examples import shown
from architect_migrate.databases.sqlite.rows.merge import Changed, Missing, Pairing, merge
from architect_migrate.databases.values import Loss, Permitted, RowProof, TableProof

if TYPE_CHECKING:
    import hashlib
    import sqlite3
    from collections.abc import Callable, Mapping

    from architect_migrate.databases.sqlite.rows.exact import Row, RowTable

_Keys = tuple[tuple[str, ...], tuple[str, ...]]
_KEPT = 20
# Values that name a row without a key.
_TOLD = 3
_ROWIDS = frozenset({"rowid", "oid", "_rowid_"})
_NO_COLUMNS: frozenset[tuple[str, str]] = frozenset()


@dataclass(slots=True)
class _Tally:
    losses: list[Loss] = field(default_factory=list)
    lost: int = 0

    def add(self, table: str, key: str, problem: str) -> None:
        self.lost += 1
        if len(self.losses) < _KEPT:
            self.losses.append(Loss(table, key, problem))


def prove_rows(before: sqlite3.Connection, after: sqlite3.Connection, permitted: Permitted) -> RowProof:
    """Compare the rows of `before` with those of `after` as its open transaction sees them.

    A row is identified by its rowid, or by its primary key where one side is WITHOUT ROWID or has turned the key into
    the rowid. Where nothing identifies rows, as in a table without a key that the chain's code recreated, both sides
    must have the same rows as often, in any order. Tables of SQLite itself, and virtual tables with their storage, are
    left out. Memory does not grow with the tables.
    """
    tally = _Tally()
    proofs = []
    with exact(before), exact(after):
        tables_before = row_tables(before)
        tables_after = row_tables(after) if tables_before else {}
        for name, table in tables_before.items():
            if table.kind != "table" or name.startswith("sqlite_"):
                continue
            now = dict(permitted.renamed).get(name, name)
            pair = _Pair(before, after, table, tables_after.get(now), permitted, tally, now)
            proofs.append(
                _prove_removed(pair, tables_after) if name in permitted.removed_tables else _prove_table(pair)
            )
    return RowProof(tuple(proofs), tuple(tally.losses), tally.lost)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One table before and after, with the inputs of its comparison.

    `new` is None if the table is gone; `name` is its name afterwards, folded.
    """

    before: sqlite3.Connection
    after: sqlite3.Connection
    old: RowTable
    new: RowTable | None
    permitted: Permitted
    tally: _Tally
    name: str

    def now(self, column: str) -> str:
        """The column's name afterwards."""
        renamed = {old: new for table, old, new in self.permitted.renamed_columns if table == self.name}
        return renamed.get(fold(column), column)

    @property
    def said(self) -> str:
        """The name under which people find the table afterwards."""
        return self.new.name if self.new and self.name != fold(self.old.name) else self.old.name

    @property
    def left_out(self) -> tuple[int, int]:
        """How many rows the copy leaves out that takes the table's place, at least and at most."""
        return {table: (least, most) for table, least, most in self.permitted.left_out}.get(self.name, (0, 0))

    @property
    def may_lack_rows(self) -> bool:
        """Whether rows of the table may be gone."""
        return self.name in self.permitted.deleted_from or self.left_out[1] > 0

    def lose(self, key: str, problem: str) -> None:
        """Record a loss."""
        self.tally.add(self.old.name, key, problem)

    def missing(self, key: Row) -> None:
        """Record a row that is gone, unless the run may delete rows of the table."""
        if not self.may_lack_rows:
            self.lose(_label(key), "is gone")

    def missing_row(self, columns: tuple[str, ...], values: Row) -> None:
        """Record a row that is gone and that only its values identify."""
        if not self.may_lack_rows:
            told = zip(columns[:_TOLD], values, strict=False)
            named = ", ".join(f"{quote(column)} {shown(value)}" for column, value in told)
            self.lose(f"a row with {named}" if named else "a row", "is gone")

    def changed(self, change: Changed, columns: tuple[str, ...]) -> None:
        """Record a value that changed, unless the run may replace rows of the table."""
        if self.name in self.permitted.replaced:
            return
        if change.place < len(columns):
            values = f"was {shown(change.before)}, is {shown(change.after)}"
            self.lose(_label(change.key), f"column {quote(columns[change.place])} {values}")
        else:
            self.lose(_label(change.key), f"storage classes were {change.before}, are {change.after}")


def _prove_table(pair: _Pair) -> TableProof:
    rows_before = number_of_rows(pair.before, pair.old)
    if pair.new is None:
        pair.lose("", f"the table is gone, with {pluralize(rows_before, 'row')}")
        return TableProof(pair.old.name, rows_before, gone=rows_before, compared=False, digest="", dropped=True)
    # Why count: a table that no statement wrote to is not compared value by value, which would cost a full read.
    rows_after = number_of_rows(pair.after, pair.new)
    if pair.name in pair.permitted.touched:
        proof = _compare(pair, pair.new, rows_before)
        least, most = pair.left_out
        if not least <= proof.gone <= most and most and pair.name not in pair.permitted.deleted_from:
            pair.lose("", f"{pluralize(proof.gone, 'row is', 'rows are')} gone, its copy leaves out {most:,}")
        return proof
    gone = max(rows_before - rows_after, 0)
    if gone and pair.name not in pair.permitted.deleted_from:
        pair.lose("", f"had {pluralize(rows_before, 'row')}, has {rows_after:,}")
    return TableProof(pair.said, rows_before, gone, compared=False, digest="")


def _prove_removed(pair: _Pair, tables_after: Mapping[str, RowTable]) -> TableProof:
    """The proof of a table that is dropped: its rows are gone, but for those that a revision brought to another one."""
    rows = number_of_rows(pair.before, pair.old)
    dropped = TableProof(pair.old.name, rows, gone=rows, compared=False, digest="", dropped=True)
    moved = {table: (new, columns) for table, new, columns in pair.permitted.moved}
    name, columns = moved.get(fold(pair.old.name), ("", ()))
    new = tables_after.get(name)
    here, there = ({fold(each) for each in table.columns} if table else set() for table in (pair.old, new))
    pairs = [
        (old, now)
        for old, now in columns or [(column, column) for column in sorted(here)]
        if old in here and now in there and (name, now) not in pair.permitted.updated | pair.permitted.converted
    ]
    if new is None or not pairs:
        return dropped
    sides = (pair.before, pair.old, tuple(old for old, _ in pairs)), (pair.after, new, tuple(now for _, now in pairs))
    if (pairing := paired_by_values(*sides)) is None:
        return dropped
    digest = new_digest(name, tuple(now for _, now in pairs))
    gone = sum(isinstance(change, Missing) or change.place < 0 for change in merge(pairing, digest))
    return TableProof(pair.old.name, rows, gone, compared=True, digest=digest.hexdigest())


def _compare(pair: _Pair, new: RowTable, rows_before: int) -> TableProof:
    columns, converted = _compared_columns(pair, new)
    keys = shared_keys(pair.old, new, _updated(pair), remade=pair.name in pair.permitted.remade)
    digest = new_digest(pair.name, tuple(fold(column) for column in (*columns, *converted)))
    stored = _as_stored(pair, new, converted) if keys is None or {*keys[0]} & {*of_columns(converted)} else {}
    if keys is None:
        columns = (*columns, *converted)
        if (pairing := _by_values(pair, new, columns, stored)) is None:
            pair.lose(
                "", "no key identifies its rows both before and after, and it has too many columns to compare them"
            )
            return TableProof(pair.said, rows_before, gone=0, compared=False, digest="")
        gone = _merge(pair, pairing, (), digest, lambda values: pair.missing_row(columns, values))
        return TableProof(pair.said, rows_before, gone, compared=True, digest=digest.hexdigest())
    keys = tuple(stored.get(part, part) for part in keys[0]), keys[1]
    # A table of more columns than one SELECT takes is read in several passes, and a missing row missed in each.
    # Converted columns have passes of their own: how their values are stored is not compared.
    groups = [*passes(columns), *(passes(converted) if converted else ())]
    gone = _merge(pair, _pairing(pair, new, keys, groups[0]), groups[0], digest, pair.missing)
    for group in groups[1:]:
        _merge(pair, _pairing(pair, new, keys, group), group, digest, lambda _key: None)
    return TableProof(pair.said, rows_before, gone, compared=True, digest=digest.hexdigest())


def _updated(pair: _Pair) -> frozenset[tuple[str, str]]:
    """The columns that the run may change, under the table's old name."""
    old = fold(pair.old.name)
    return frozenset((old, column) for table, column in pair.permitted.updated if table == pair.name)


def _pairing(pair: _Pair, new: RowTable, keys: _Keys, columns: tuple[str, ...]) -> Pairing:
    codec = codec_of(pair.before)
    old_rows = pair.before.execute(select(pair.old, keys[0], columns, codec))
    new_rows = pair.after.execute(select(new, keys[1], tuple(map(pair.now, columns)), codec))
    return Pairing(old_rows, new_rows, max(len(keys[0]), 1), codec)


def _as_stored(pair: _Pair, new: RowTable, converted: tuple[str, ...]) -> dict[str, str]:
    """SQL by which rows are found whose key is converted, or that are known by all their values."""
    if not converted:
        return {}
    return as_stored_in(pair.before, pair.after, new, [(column, pair.now(column)) for column in converted])


def _by_values(pair: _Pair, new: RowTable, columns: tuple[str, ...], stored: Mapping[str, str]) -> Pairing | None:
    now = pair.after, new, tuple(map(pair.now, columns))
    return paired_by_values((pair.before, pair.old, columns), now, stored)


def paired_by_values(
    before: tuple[sqlite3.Connection, RowTable, tuple[str, ...]],
    after: tuple[sqlite3.Connection, RowTable, tuple[str, ...]],
    stored: Mapping[str, str] = MappingProxyType({}),
) -> Pairing | None:
    """The rows of both sides in the order of all their values; None where a table has too many columns for that.

    `stored` has SQL to be read before, in the place of that for a column.
    """
    codec = codec_of(before[0])
    old, new = by_values(*before[1:], codec, stored), by_values(*after[1:], codec)
    return Pairing(before[0].execute(old[0]), after[0].execute(new[0]), old[1], codec) if old and new else None


def _merge(
    pair: _Pair,
    pairing: Pairing,
    columns: tuple[str, ...],
    digest: hashlib.blake2b,
    on_missing: Callable[[Row], None],
) -> int:
    """Record the differences in these columns; return the number of rows that are gone.

    One that has another in its place is gone.
    """
    gone, last = 0, None
    for change in merge(pairing, digest):
        match change:
            case Missing(key):
                gone += 1
                on_missing(key)
            case Changed() if change.place < 0:  # of the key itself: SQLite sorts 0.0 and -0.0 as equals
                gone += 1
                on_missing(change.key)
            case Changed():
                if not _converted(pair, change, columns, pairing.codec):
                    gone += pair.name in pair.permitted.replaced and change.key != last
                    last = change.key
                    pair.changed(change, columns)
            case _:
                assert_never(change)
    return gone


def _converted(pair: _Pair, change: Changed, columns: tuple[str, ...], codec: str) -> bool:
    """Whether a value only became what its column's new type stores for it."""
    if not columns or (pair.name, fold(pair.now(columns[0]))) not in pair.permitted.converted:
        return False
    return change.place >= len(columns) or survives(change.before, change.after, codec)


def _compared_columns(pair: _Pair, new: RowTable) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns whose values must be unchanged, and those whose values may be stored as another type stores them.

    Records those that are gone without permission. A column that was computed counts where it holds data now.
    """
    excepted = pair.permitted.updated | pair.permitted.removed_columns
    data, there = ({fold(column) for column in names} for names in (new.columns, (*new.columns, *new.generated)))
    if pair.old.alias and {(pair.name, word) for word in _ROWIDS} & excepted:
        excepted |= {(pair.name, fold(pair.old.alias))}
    old = (*pair.old.columns, *(column for column in pair.old.generated if fold(pair.now(column)) in data))
    asked = [each for each in old if not {(pair.name, fold(each)), (pair.name, fold(pair.now(each)))} & excepted]
    for column in asked:
        if fold(pair.now(column)) not in there:
            pair.lose("", f"column {quote(column)} is gone")
    left = [column for column in asked if fold(pair.now(column)) in there]
    converted = [column for column in left if (pair.name, fold(pair.now(column))) in pair.permitted.converted]
    return tuple(column for column in left if column not in converted), tuple(converted)


def shared_keys(
    old: RowTable, new: RowTable, updated: frozenset[tuple[str, str]] = _NO_COLUMNS, *, remade: bool = False
) -> _Keys | None:
    """SQL for the key that identifies a row before and after, the one by which a rebuild carries rows over.

    None where there is no such key. The rowids of a table that the chain's code recreated (`remade`) identify its rows
    only if they are a column: else they are numbered anew as soon as a row was ever deleted.
    """
    rewritten = {column for table, column in updated if table == fold(old.name)}
    shared = ({fold(column) for column in old.columns} & {fold(column) for column in new.columns}) - rewritten
    candidates = [table.primary_key for table in (new, old) if table.without_rowid]
    if new.alias and fold(new.alias) != fold(old.alias):
        candidates.append((new.alias,))
    if remade and old.primary_key and [*map(fold, old.primary_key)] == [*map(fold, new.primary_key)]:
        candidates.append(old.primary_key)
    for columns in candidates:
        if {fold(column) for column in columns} <= shared:
            return of_columns(columns), of_columns(columns)
    if rewritten & {fold(old.alias), fold(new.alias), *_ROWIDS}:
        return None
    if old.without_rowid or new.without_rowid or bool(old.rowid) != bool(new.rowid):
        return None
    if remade and not (old.alias and new.alias):
        return None
    return own_key(old), own_key(new)


def _label(key: Row) -> str:
    return f"row {', '.join(map(shown, key))}"
