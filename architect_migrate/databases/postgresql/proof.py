"""Proves that a run lost no row: compares what was kept before it with what the open transaction holds.

A table that the transaction has neither updated nor deleted from, and whose rows are stored where they were, has its
rows as they were; the server's counters and its catalog say so. Rows of any other table are compared with their copy.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg

from architect_migrate.core.database_errors import RowsNotKeptError
from architect_migrate.core.names import fold, literal, quote
from architect_migrate.core.text import pluralize, shortlist
from architect_migrate.databases.postgresql.connection import first_line
from architect_migrate.databases.postgresql.images import unlike
from architect_migrate.databases.postgresql.kept import labels, stored_tables
from architect_migrate.databases.postgresql.numbering import next_number, owned_by, sequences
from architect_migrate.databases.postgresql.pinned import in_own_texts, query, taken_back
from architect_migrate.databases.values import Loss, Permitted, RowProof, TableProof

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from architect_migrate.databases.postgresql.lent import LentConnection
    from architect_migrate.databases.postgresql.stored import Column, Kept, Stored

_KEPT = 20
# How many values name a row without a key, and how many letters of a value are shown.
_TOLD, _LONGEST = 3, 40
# The setting that has the time zone of the run's session.
_ZONE = "archmig.zone"
# A text is not what it was after this, and its value is.
_SAME_VALUE = frozenset({("json", "jsonb")})


@dataclass(slots=True)
class _Tally:
    losses: list[Loss] = field(default_factory=list)
    lost: int = 0

    def add(self, table: str, key: str, problem: str, times: int = 1) -> None:
        self.lost += times
        if len(self.losses) < _KEPT:
            self.losses.append(Loss(table, key, problem))


@dataclass(frozen=True, slots=True)
class _Pair:
    """One table before and after; `columns` are those to be compared, each with what it has become."""

    connection: LentConnection
    old: Stored
    new: Stored
    copy: str
    columns: tuple[tuple[Column, Column], ...]
    may: _May
    tally: _Tally

    @property
    def rows(self) -> str:
        """SQL for the table afterwards."""
        return f"ONLY {quote(self.new.name)}"


@dataclass(frozen=True, slots=True)
class _May:
    """What a run may do, with names as archmig compares them."""

    permitted: Permitted
    # Names of tables that differ in their case only: of these only the exact name counts.
    alike: frozenset[str]

    def _spellings(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(each for name in names for each in ((name,) if name in self.alike else (name, fold(name))))

    def is_in(self, tables: Collection[str], *names: str) -> bool:
        """Whether one of a table's names is among some."""
        return not self._spellings(names).isdisjoint(tables)

    def has_column(self, places: Collection[tuple[str, str]], tables: Iterable[str], columns: Iterable[str]) -> bool:
        """Whether a column, by any of its names and its table's, is among some."""
        spelt = {(table, each) for table in self._spellings(tables) for name in columns for each in (name, fold(name))}
        return not spelt.isdisjoint(places)


def prove_rows(before: Kept, after: LentConnection, permitted: Permitted) -> RowProof:
    """Compare the rows of before a run with those that its open transaction sees.

    Raises RowsNotKeptError with the tables that were written although no copy of them was kept.
    """
    folded = [fold(name) for name in before.tables]
    may = _May(permitted, frozenset(name for name in before.tables if folded.count(fold(name)) > 1))
    tally = _Tally()
    with after.unheard(), _in_its_zone(after), in_own_texts(after):
        now = stored_tables(after)
        _require_copies(before, now, may)
        _name_labels_anew(before, labels(after))
        proofs = [_proof_of(before, now, (after, name, may), tally) for name in before.copies]
        proofs += [_proof_by_image(before, now, (after, name, may), tally) for name in before.images]
        # A table that a revision empties may begin to count again: no row has a number that is given out again.
        emptied = {proof.table for proof in proofs if proof.compared and 0 < proof.rows_before == proof.gone}
        anew = {name for name, table in owned_by(after).items() if table in emptied}
        there = {name: was for name, was in before.sequences.items() if name not in anew}
        for problem in _set_back(there, after):
            tally.add(*problem)
    left = sum(each.kind == "r" for each in before.tables.values()) - len(proofs)
    for name, old in before.tables.items():
        new = _after(old, now)
        if new and old.kind == "r" and name not in before.copies and name not in before.images:
            _left(old, new, may, tally)
    return RowProof(tuple(proofs), tuple(tally.losses), tally.lost, left)


def _name_labels_anew(before: Kept, now: Mapping[int, tuple[str, str]]) -> None:
    """Give the values of copies the names that labels of enums have now: a copy has the texts of before."""
    renamed: dict[str, list[tuple[str, str]]] = {}
    for number, (of, label) in before.labels.items():
        if number in now and now[number][1] != label:
            renamed.setdefault(of, []).append((label, now[number][1]))
    for name, copy in before.copies.items() if renamed else ():
        for column in before.tables[name].columns:
            its = quote(column.name)
            if pairs := renamed.get(column.type):
                whens = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in pairs)
                query(before.connection, f"UPDATE {copy} SET {its} = CASE {its} {whens} ELSE {its} END")
            elif pairs := renamed.get(column.type.removesuffix("[]")):
                query(before.connection, f"UPDATE {copy} SET {its} = {_replaced(its, pairs)}")


def _replaced(array: str, pairs: Iterable[tuple[str, str]]) -> str:
    """SQL for an array of texts with others for some. Why in two steps: labels may have exchanged their names."""
    numbered = [(old, f"\x01{number}", new) for number, (old, new) in enumerate(pairs)]
    for old, passing, _ in numbered:
        array = f"array_replace({array}, {literal(old)}, {literal(passing)})"
    for _, passing, new in numbered:
        array = f"array_replace({array}, {literal(passing)}, {literal(new)})"
    return array


def _after(old: Stored, now: Mapping[str, Stored]) -> Stored | None:
    """What has become of a table: the same one, whatever its name, else the one that has its name."""
    same = (each for each in now.values() if each.number == old.number)
    return next(same, now.get(old.name))


def _require_copies(before: Kept, now: Mapping[str, Stored], may: _May) -> None:
    """Raise RowsNotKeptError for tables whose rows may have changed and of which there is neither copy nor digest."""
    seen = before.copies.keys() | before.images.keys()
    missing = [
        old.name
        for old in before.tables.values()
        if old.kind == "r" and old.name not in seen and not _is_as_it_was(old, _after(old, now), may)
    ]
    if missing:
        raise RowsNotKeptError(tuple(sorted(missing)))


def _is_as_it_was(old: Stored, new: Stored | None, may: _May) -> bool:
    """Whether all rows of a table are stored where they were, and none was updated or deleted.

    A column that is computed instead of stored has its values elsewhere.
    """
    if new is None or (new.number, new.storage) != (old.number, old.storage):
        return False
    stored = ((each, _become(old, new, each, may)) for each in old.columns if not each.is_generated)
    return new.written[1:] == old.written[1:] and not any(now and now.number != was.number for was, now in stored)


def _left(old: Stored, new: Stored, may: _May, tally: _Tally) -> list[tuple[Column, Column]]:
    """Record the columns that are gone; return the others, each with what it has become."""
    left = []
    for column in old.columns:
        if now := _become(old, new, column, may):
            left.append((column, now))
        elif not _is_removed(old, new, column, may):
            tally.add(old.name, "", f"column {quote(column.name)} is gone")
    return left


def _become(old: Stored, new: Stored, column: Column, may: _May) -> Column | None:
    """What a column has become: in the same table it keeps its number, in another one its name.

    In the same table a generated column that was dropped and made again has another number.
    """
    if old.number != new.number:
        return new.column(column.name)
    its = {each.number: each for each in new.columns}
    if column.number in its or _is_removed(old, new, column, may):
        return its.get(column.number)
    again = new.column(column.name)
    is_made = again is not None and again.number not in {each.number for each in old.columns}
    return again if again and is_made and again.is_generated else None


def _is_removed(old: Stored, new: Stored, column: Column, may: _May) -> bool:
    return may.has_column(may.permitted.removed_columns, (old.name, new.name), (column.name,))


def _proof_of(
    before: Kept, now: Mapping[str, Stored], of: tuple[LentConnection, str, _May], tally: _Tally
) -> TableProof:
    after, name, may = of
    old, copy = before.tables[name], before.copies[name]
    rows = _number(after, f"SELECT count(*) FROM {copy}")
    new = _after(old, now)
    is_same = new is not None and new.number == old.number
    if not is_same and may.is_in(may.permitted.removed_tables, name):
        return _proof_of_removed(now, (after, old, copy, rows), may)
    if new is None:
        tally.add(name, "", f"the table is gone, with {pluralize(rows, 'row')}", max(rows, 1))
        return TableProof(name, rows, rows, compared=False, digest="", dropped=True)
    columns = tuple(_compared(old, new, may, tally))
    pair = _Pair(after, old, new, copy, columns, may, tally)
    try:
        # Why taken back: after an error PostgreSQL runs nothing more in the transaction.
        with taken_back(after):
            gone = _compare(pair)
    except psycopg.Error as error:
        tally.add(name, "", f"its rows cannot be compared: {first_line(error)}")
        return TableProof(new.name, rows, 0, compared=False, digest="")
    return TableProof(new.name, rows, gone, compared=True, digest="")


def _proof_by_image(
    before: Kept, now: Mapping[str, Stored], of: tuple[LentConnection, str, _May], tally: _Tally
) -> TableProof:
    """The proof of a table by digests of its rows, which say that it is as it was, or nothing."""
    after, name, may = of
    old, image = before.tables[name], before.images[name]
    new, is_moved = _after(old, now), name in {table for table, *_ in may.permitted.moved}
    if (new is None or new.number != old.number) and may.is_in(may.permitted.removed_tables, name) and not is_moved:
        return TableProof(name, image.rows, image.rows, compared=False, digest="", dropped=True)
    columns = tuple(_compared(old, new, may, tally)) if new else ()
    problem = "the table is gone"
    try:
        with taken_back(after):
            if new and not (differing := unlike(after, (old, image), new, columns)):
                return TableProof(new.name, image.rows, 0, compared=True, digest="")
            problem = f"the digests differ of {shortlist(differing, _TOLD)}" if new else problem
    except psycopg.Error as error:
        problem = f"its rows cannot be read: {first_line(error)}"
    tally.add(
        name,
        "",
        f"has {image.size / 1e6:,.1f} MB and was not copied, since that is above proof_copy_limit, and without a copy "
        f"archmig cannot tell what became of its {pluralize(image.rows, 'row')}: {problem}. Raise proof_copy_limit",
    )
    return TableProof(new.name if new else name, image.rows, 0, compared=False, digest="")


def _proof_of_removed(now: Mapping[str, Stored], of: tuple[LentConnection, Stored, str, int], may: _May) -> TableProof:
    """The proof of a table that is dropped: its rows are gone, but for those that a revision brought to another one."""
    after, old, copy, rows = of
    moved = {table: (new, pairs) for table, new, pairs in may.permitted.moved}
    name, given = moved.get(old.name, moved.get(fold(old.name), ("", ())))
    new = now.get(name)
    pairs = [
        (here, there)
        for was, its in given or [(each.name, each.name) for each in old.columns]
        if new and (here := old.column(was)) and (there := new.column(its))
    ]
    if new is None or not pairs:
        return TableProof(old.name, rows, rows, compared=False, digest="", dropped=True)
    pair = _Pair(after, old, new, copy, tuple(pairs), may, _Tally())
    return TableProof(old.name, rows, _not_brought(pair), compared=True, digest="")


def _not_brought(pair: _Pair) -> int:
    """How many rows a revision has not brought to another table.

    Values that cannot have their column's new type are not compared: the revision has made others of them.
    """
    try:
        # Why taken back: after an error PostgreSQL runs nothing more in the transaction.
        with taken_back(pair.connection):
            return _missing_by_values(pair)[0]
    except (psycopg.DataError, psycopg.errors.CannotCoerce):
        same = tuple((was, now) for was, now in pair.columns if was.kept_as == now.kept_as)
        return _missing_by_values(replace(pair, columns=same))[0]


def _compared(old: Stored, new: Stored, may: _May, tally: _Tally) -> Iterator[tuple[Column, Column]]:
    for column, now in _left(old, new, may, tally):
        if column.is_generated and now.is_generated:
            continue  # its values are computed of others, which are compared, by an expression of the schema
        if not may.has_column(may.permitted.updated, (old.name, new.name), (column.name, now.name)):
            yield column, now


def _compare(pair: _Pair) -> int:
    """Record every loss; return the number of rows that are gone."""
    may, names = pair.may, (pair.old.name, pair.new.name)
    keys = _keys(pair)
    if keys is None:
        gone, examples = _missing_by_values(pair)
        if gone and not may.is_in(may.permitted.deleted_from, *names):
            for example in examples:
                pair.tally.add(pair.old.name, example, "is gone", 0)
            pair.tally.lost += gone
        return gone
    on = " AND ".join(f"{now.kept('t.')} = k.{quote(was.name)}" for was, now in keys)
    gone = _missing_by_key(pair, keys, on)
    if may.is_in(may.permitted.replaced, *names):
        return gone + _number(pair.connection, _changed(pair, on))
    _record_changes(pair, keys, on)
    return gone


def _keys(pair: _Pair) -> list[tuple[Column, Column]] | None:
    """The columns of the primary key before, if each is there with its values; None if they identify no row."""
    key = [each for each in pair.columns if each[0].number in pair.old.key]
    whole = len(key) == len(pair.old.key) > 0
    return key if whole and all(was.kept_as == now.kept_as for was, now in key) else None


def _missing_by_key(pair: _Pair, keys: list[tuple[Column, Column]], on: str) -> int:
    missing = f"FROM {pair.copy} k WHERE NOT EXISTS (SELECT FROM {pair.rows} t WHERE {on})"
    gone = _number(pair.connection, f"SELECT count(*) {missing}")
    if gone and not pair.may.is_in(pair.may.permitted.deleted_from, pair.old.name, pair.new.name):
        shown = ", ".join(_shown(f"k.{quote(was.name)}") for was, _ in keys)
        for row in query(pair.connection, f"SELECT {shown} {missing} LIMIT {_KEPT}").fetchall():
            pair.tally.add(pair.old.name, _label(row), "is gone", 0)
        pair.tally.lost += gone
    return gone


def _differs(was: Column, now: Column) -> str:
    """SQL for whether a value is another one; with another type, whether it did not survive the change of type."""
    old, new = f"k.{quote(was.name)}", f"t.{quote(now.name)}"
    if was.kept_as == now.kept_as:
        return f"ROW({old})::record *<> ROW({now.kept('t.')})::record"
    forth = f"{_cast(old, was.kept_as, now.type)}::text IS DISTINCT FROM {new}::text"
    if (was.type, now.type) in _SAME_VALUE:
        return forth
    return f"({forth} OR {_cast(new, now.type, was.kept_as)}::text IS DISTINCT FROM {old}::text)"


@contextmanager
def _in_its_zone(connection: LentConnection) -> Iterator[None]:
    """Keep the time zone of the session for the block, in which texts are written in another one."""
    query(connection, f"SELECT set_config('{_ZONE}', current_setting('timezone'), true)")
    yield


def _cast(value: str, old: str, new: str) -> str:
    """SQL for a value cast to another type, as in the run: moments and local times in the zone of its session."""
    zone = f"AT TIME ZONE current_setting('{_ZONE}')"
    if _has_zone(old) and not _has_zone(new) and new.startswith(("timestamp", "date", "time")):
        return f"(({value} {zone})::{new})"
    if _has_zone(new) and not _has_zone(old) and old.startswith(("timestamp", "date")):
        return f"(({value}::timestamp {zone})::{new})"
    return f"({value}::{new})"


def _has_zone(declared: str) -> bool:
    return declared.startswith("timestamp") and declared.endswith("with time zone")


def _changed(pair: _Pair, on: str) -> str:
    """SQL for the number of rows that are there with other values."""
    differs = " OR ".join(_differs(*each) for each in pair.columns) or "false"
    return f"SELECT count(*) FROM {pair.copy} k JOIN {pair.rows} t ON {on} WHERE {differs}"


def _record_changes(pair: _Pair, keys: list[tuple[Column, Column]], on: str) -> None:
    changed = _number(pair.connection, _changed(pair, on))
    if not changed:
        return
    key = ", ".join(_shown(f"k.{quote(was.name)}") for was, _ in keys)
    for was, now in pair.columns:
        values = f"{_shown(f'k.{quote(was.name)}')}, {_shown(_told_apart(was, now))}"
        asked = (
            f"SELECT {key}, {values} FROM {pair.copy} k JOIN {pair.rows} t ON {on} "
            f"WHERE {_differs(was, now)} LIMIT {_KEPT}"
        )
        for *row, old, new in query(pair.connection, asked).fetchall():
            pair.tally.add(pair.old.name, _label(row), f"column {quote(was.name)} was {old}, is {new}", 0)
    pair.tally.lost += changed


def _told_apart(was: Column, now: Column) -> str:
    """SQL for a changed value, in its old type where its text is the same in the new one."""
    old, new = f"k.{quote(was.name)}", f"t.{quote(now.name)}"
    if was.kept_as == now.kept_as:
        return new
    return f"CASE WHEN {old}::text = {new}::text THEN ({new}::{was.kept_as})::text ELSE {new}::text END"


def _missing_by_values(pair: _Pair) -> tuple[int, list[str]]:
    """How many rows are not there as often as before, by the texts of their values, with examples."""
    old = [
        f"{quote(was.name)}::text"
        if was.kept_as == now.kept_as
        else f"{_cast(quote(was.name), was.kept_as, now.type)}::text"
        for was, now in pair.columns
    ]
    new = [f"({now.kept()})::text" for _, now in pair.columns]
    if not old:
        more = f"(SELECT count(*) FROM {pair.copy}) - (SELECT count(*) FROM {pair.rows})"
        return _number(pair.connection, f"SELECT greatest({more}, 0)"), []
    names = [f"c{number}" for number in range(len(old))]
    missing = (
        f"SELECT {', '.join(f'{text} AS {name}' for text, name in zip(old, names, strict=True))} FROM {pair.copy} "
        f"EXCEPT ALL SELECT {', '.join(new)} FROM {pair.rows}"
    )
    gone = _number(pair.connection, f"SELECT count(*) FROM ({missing}) m")
    shown = ", ".join(map(_shown, names[:_TOLD]))
    rows = query(pair.connection, f"SELECT {shown} FROM ({missing}) m LIMIT {_TOLD}").fetchall() if gone else []
    columns = [quote(was.name) for was, _ in pair.columns[:_TOLD]]
    return gone, [
        f"a row with {', '.join(f'{name} {value}' for name, value in zip(columns, row, strict=True))}" for row in rows
    ]


def _shown(term: str) -> str:
    """SQL for a value as it is shown: a literal, cut if it is long."""
    return f"coalesce(quote_literal(left({term}::text, {_LONGEST})), 'NULL')"


def _label(row: Iterable[Any]) -> str:
    return f"row {', '.join(map(str, row))}"


def _number(connection: LentConnection, sql: str) -> int:
    return int((query(connection, sql).fetchone() or (0,))[0])


def _set_back(before: Mapping[str, int | None], after: LentConnection) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with sequences: one that gives out numbers again that it gave out before."""
    now = sequences(after)
    for name, was in before.items():
        value = now.get(name, was)
        if was is None or (value is None and next_number(after, name) > was):
            continue
        if value is None or value < was:
            yield f"sequence {name}", "", f"was at {was}, is at {'its start' if value is None else value}"
