"""What became of rows: every one that was there is looked for, value by value, where plain Alembic would have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from truth.life import FIRST_KEY
from truth.reader import VERSIONS
from truth.row_steps import COMPUTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truth.reader import Row

# What is wrong where a row statement of the chain did not run, and nothing else.
NOT_RUN = (
    "value as before, the chain changes it",
    "row of the chain not brought",
    "row that the chain deletes is there",
)
Place = tuple[str, "Row"]


class Content(Protocol):
    """What lies in a database at one moment."""

    @property
    def rows(self) -> Mapping[str, tuple[Row, ...]]: ...


class Case(Protocol):
    """A database before and after it was damaged, and what plain Alembic makes of the undamaged one."""

    @property
    def before(self) -> Content: ...

    @property
    def undamaged(self) -> Content: ...

    @property
    def twin(self) -> Content | None: ...

    @property
    def lost(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Wrong:
    """`place` is the table, the column and the row's key, where a value is wrong, and `now` the value."""

    kind: str
    detail: str
    place: tuple[str, str, str] = ("", "", "")
    now: object = None


def lost_or_changed(case: Case, after: Content) -> Iterator[Wrong]:
    """Rows of before that are gone, elsewhere, or have other values."""
    there, twin, origin = _by_key(after), _by_key(case.twin), _by_key(case.undamaged)
    for key, places in _by_key(case.before).items():
        found = there.get(key, [])
        if key in origin and case.twin is not None:
            yield from _judged(case, key, places, found, origin[key][0], twin.get(key, []))
        elif key not in origin and (wrong := _kept_as_is(key, places, found, after)):
            yield wrong


def _judged(
    case: Case, key: str, places: list[Place], found: list[Place], origin: Place, expected: list[Place]
) -> Iterator[Wrong]:
    """A row that plain Alembic would have carried along from its origin to what is expected."""
    before = next((row for table, row in places if table == origin[0]), places[0][1])
    for table, wanted in expected:
        row = next((one for name, one in found if name == table), None)
        if row is None:
            where = ", ".join(name for name, _ in found) or "nowhere"
            kind = "row lost" if not found else "row not where it belongs"
            yield Wrong(kind, f"{key} of {places[0][0]} belongs to {table}, is {where}")
            continue
        for column, value in wanted.items():
            if column not in row:
                continue
            allowed = _allowed(case, (column, wanted), origin[1], before)
            if column not in origin[1] and _is_appended(before.get(column), row[column]):
                continue  # made by hand, and what a pending UPDATE of the chain does to it
            if allowed is not None and not any(same(row[column], one) for one in allowed):
                yield Wrong(
                    _how(row[column], value, _was(column, row[column], before, wanted)),
                    f"{table}.{column} of {key}: {row[column]!r}, oracle {value!r}, before {before.get(column)!r}",
                    (table, column, key),
                    row[column],
                )
        # A table that the chain takes away, and that was kept, still has what the application added to it.
        for column, value in before.items():
            if column.startswith("x_") and not any(same(one.get(column), value) for _, one in found):
                yield Wrong("value of the application's own column changed", f"{table}.{column} of {key}: {value!r}")


def _allowed(case: Case, of: tuple[str, Row], origin: Row, before: Row) -> list[object] | None:
    """What may stand in a column of the wanted row now; None where nothing can be asked for."""
    column, wanted = of
    value, by_hand = wanted[column], column in before and column not in origin
    source = column if column in origin and same(origin[column], value) else _source(origin, wanted, value)
    # A column that stays may have the same value by chance, as a default.
    if source is not None and not (by_hand and source in wanted):  # the row's own value, carried along
        if source in before:
            return [before[source]]
        if column in before:
            return [before[column]]
        return None
    if by_hand:  # or made by a part of the revision
        return [before[column], value]
    # A cast of a batch operation that destroys a text. archmig refuses to run it over such a value, and leaves the
    # column as it is where the two types differ only in their names.
    if column in before and same(before[column], origin.get(column)) and _destroyed(before[column], value):
        return [before[column], value]
    return None if case.lost else [value]


def _is_appended(before: object, now: object) -> bool:
    return isinstance(before, str) and isinstance(now, str) and now != before and now.startswith(before)


def _source(origin: Row, wanted: Row, value: object) -> str | None:
    """The column that a value comes from: of several that have it, one that the chain renames."""
    if value is None or (isinstance(value, int) and value < FIRST_KEY):
        return None
    sources = [name for name, one in origin.items() if same(one, value)]
    return min(sources, key=lambda name: name in wanted, default=None)


def _destroyed(text: object, number: object) -> bool:
    """Whether a cast cut a text to the number that it begins with, as '2026-01-02' to 2026."""
    if not isinstance(text, str) or not isinstance(number, int | float):
        return False
    digits = str(number)
    return text.startswith(digits) and text[len(digits) : len(digits) + 1] not in {"", ".", "e", "E"}


def _was(column: str, now: object, before: Row, wanted: Row) -> tuple[object, ...]:
    """What a column held before, also under a name that the chain has changed since; nothing if it was not there."""
    if column in before:
        return (before[column],)
    source = _source(before, wanted, now)
    return () if source is None or source in wanted else (before[source],)


def _how(now: object, wanted: object, before: tuple[object, ...]) -> str:
    if now is None and before != (None,):
        return "value lost" if before else "value not brought"
    if any(same(now, one) for one in before):
        return "value as before, the chain changes it"
    if isinstance(now, int | float) and isinstance(wanted, int | float) and now in {wanted * 100, wanted * 10_000}:
        return "value multiplied again"
    if isinstance(now, str) and isinstance(wanted, str) and now.startswith(wanted) and now != wanted:
        return "text changed again"
    return "value changed"


def _kept_as_is(key: str, places: list[Place], found: list[Place], after: Content) -> Wrong | None:
    """A row that was made by hand, in a table of a later revision or of the application's own."""
    if not found and any(table in after.rows for table, _ in places):
        return Wrong("row lost", f"{key} of {places[0][0]}, made by hand")
    for table, row in places:
        now = next((one for name, one in found if name == table), None)
        changed = [name for name in row if now and name in now and not same(now[name], row[name])]
        if changed:
            return Wrong("value changed", f"{table}.{changed[0]} of {key}, made by hand")
    return None


def invented(case: Case, after: Content) -> Iterator[Wrong]:
    """Rows that neither were there nor are the chain's, and rows that the chain brings and that are not there."""
    before, twin = _by_key(case.before), _by_key(case.twin)
    origin, there = _by_key(case.undamaged), _by_key(after)
    for key, places in there.items():
        if key in origin and key not in twin and case.twin and any(table in case.twin.rows for table, _ in places):
            yield Wrong("row that the chain deletes is there", f"{key} in {places[0][0]}")
        elif key not in before and key not in twin:
            yield Wrong("row invented", f"{key} in {places[0][0]}")
        elif len(places) > max(1, len(before.get(key, [])), len(twin.get(key, []))):
            yield Wrong("row twice", f"{key} in {', '.join(name for name, _ in places)}")
    for key, places in twin.items():
        if key not in there and key not in origin and _could_be_made(key, before):
            yield Wrong("row of the chain not brought", f"{key} in {places[0][0]}")


def _could_be_made(key: str, before: dict[str, list[Place]]) -> bool:
    """Whether the row that a computed row comes from (row_steps) was still there; constants need none."""
    source = str(int(key) % COMPUTED) if key.isdigit() else key.partition("-")[0]
    return source in before or source == key


def _by_key(content: Content | None) -> dict[str, list[Place]]:
    """Rows by their `id`, which no other row of the database has; with the tables in which it stands."""
    found: dict[str, list[Place]] = {}
    for table, rows in (content.rows if content else {}).items():
        if table in {VERSIONS, "sqlite_sequence"} or table.startswith("x_log"):
            continue
        for row in rows:
            found.setdefault(str(row.get("id")), []).append((table.lower(), row))
    return found


def same(one: object, other: object) -> bool:
    """Whether two values are stored alike: their class counts."""
    return type(one) is type(other) and one == other
