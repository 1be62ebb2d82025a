"""What a revision renames, moves and replaces, and which tables it makes only on its way: read from its statements."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql.events import Created, Dropped, Filled, Read, events_of, table_name
from architect_migrate.databases.sqlite.sql.lexer import significant, significant_of, verb
from architect_migrate.model.history import Link, Move, Passing, Rename, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from architect_migrate.databases.sqlite.sql.events import Event

    Columns = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """What one revision's statements say beyond the schemas before and after it (see `Replayed`)."""

    passing: tuple[Passing, ...] = ()
    renames: tuple[Rename, ...] = ()
    moves: tuple[Move, ...] = ()
    replaced: frozenset[str] = frozenset()


class Carried(NamedTuple):
    """What copies of tables did: the last names of the tables, and the (table, column) whose values are other ones.

    A term of a SELECT computed the values of `computed`; those of `cast` got a CAST or a constant. `renamed` are
    (table, old, new) of columns that got another name on the way, and of which none has the old one in the end.
    """

    names: dict[str, str]
    computed: frozenset[tuple[str, str]]
    cast: frozenset[tuple[str, str]]
    renamed: frozenset[tuple[str, str, str]]


def on_the_way(statements: Iterable[str], before: Columns, after: Columns) -> OnTheWay:
    """What statements do on their way between two schemas: tables in passing, renames, moves, replaced tables.

    A schema is given by the folded names of its tables and of their columns.
    """
    events = [event for sql in statements for event in events_of(sql)]
    renamed = [event for event in events if isinstance(event, Rename) and not event.table]
    aside, copies = _passing(events, {*before, *after}, before)
    renames = [rename for rename in _from_first_to_last(renamed) if _lasts(rename, before.keys(), after.keys())]
    last = {each.old: each.new for each in renames}
    columns = [
        Rename(column.old, column.new, last.get(column.table, column.table))
        for column in _column_renames(events, {copy.name: copy.table for copy in copies})
    ]
    # A table that the revision makes has its columns before it renames them; the words of the statement name them.
    at_first = {event.name: event.words for event in events if isinstance(event, Created)} | dict(before)
    at_first |= {each.new: before[each.old] for each in renames}
    renames += [
        column
        for column in _from_first_to_last(columns)
        if _lasts(column, at_first.get(column.table, _NONE), after.get(column.table, _NONE))
    ]
    whole = [*_by_first_names(events, {each.name: each.table for each in aside}, before)]
    moves = dict.fromkeys((*_moves(whole, _Lasting(before, after, renames)), *_put_aside(events, before, after)))
    return OnTheWay(
        tuple(dict.fromkeys((*aside, *copies))),
        tuple(dict.fromkeys(renames)),
        (*moves, *_moved_twice(whole, before, after, {(move.table, move.new_table) for move in moves})),
        frozenset(_replaced(events, before, after)),
    )


def _passing(events: list[Event], lasting: Collection[str], before: Columns) -> tuple[list[Passing], list[Passing]]:
    """The tables that do not last: those that are put aside, and copies."""
    renamed = [event for event in events if isinstance(event, Rename) and not event.table]
    created = {event.name for event in events if isinstance(event, Created)}
    aside = [
        Passing(rename.new, rename.old, Role.ASIDE)
        for rename in (*renamed, *_from_first_to_last(renamed))
        if rename.old in before and rename.new not in lasting
    ]
    copies = [
        Passing(rename.old, rename.new, Role.COPY)
        for rename in renamed
        if rename.old in created and rename.old not in lasting
    ]
    return aside, copies


def _from_first_to_last(renames: Iterable[Rename]) -> list[Rename]:
    """Every rename and what several do together: `a` to `b` to `c` is `a` to `c`, though another may be `b` in the end.

    Why `b` to `c` too: `a` may be a copy that takes the place of `b`.
    """
    found: list[Rename] = []
    for rename in renames:
        before = [each for each in found if each.table == rename.table and each.new == rename.old]
        found = [each for each in found if each not in before]
        found += [rename, *(Rename(each.old, rename.new, rename.table) for each in before)]
    return found


def _by_first_names(events: Iterable[Event], first: Mapping[str, str], before: Columns) -> Iterator[Event]:
    """The same events, of which those on rows name a table by its `first` name as well while it is put aside.

    A column counts as copied from that table only where it is called so there.
    """
    for event in events:
        words = event.words if isinstance(event, Created | Filled | Read) else _NONE
        aside = {first[word] for word in words & first.keys()}
        match event:
            case Created(name) if aside:
                yield Created(name, words | aside)
            case Filled(columns=columns) if aside:
                known = frozenset[str]().union(*(before[table] for table in aside))
                pairs = tuple(pair for pair in columns if event.into or pair[1] in known)
                yield event._replace(words=words | aside, columns=pairs)
            case Read() if aside:
                yield Read(words | aside)
            case _:
                yield event


def _column_renames(events: list[Event], of: Mapping[str, str]) -> Iterator[Rename]:
    """Columns that are renamed, and those that a copy of a table gets from columns of other names."""
    for event in events:
        if isinstance(event, Rename) and event.table:
            yield event
        elif isinstance(event, Filled) and not event.into and event.table in of:
            yield from (Rename(source, column, of[event.table]) for column, source in event.columns)


@dataclass(frozen=True, slots=True)
class _Lasting:
    """What a revision creates and removes permanently: by tables, and by the columns of tables that stay."""

    before: Columns
    after: Columns
    renames: list[Rename]

    def gone(self, words: frozenset[str]) -> Iterator[tuple[str, str]]:
        """Tables and (table, column) named by these words that the revision takes away, and does not rename."""
        renamed = {(rename.table, rename.old) for rename in self.renames}
        for table in sorted(self.before.keys() & words):
            if table not in self.after:
                yield from [(table, "")] if ("", table) not in renamed else []
            else:
                columns = (self.before[table] - self.after[table]) & words
                yield from ((table, column) for column in sorted(columns) if (table, column) not in renamed)

    def new(self, filled: Filled) -> Iterator[tuple[str, str]]:
        """The table, or the columns of it, that a statement fills and the revision makes."""
        if filled.table in self.after and filled.table not in self.before:
            yield filled.table, ""
        elif filled.table in self.after:
            columns = self.after[filled.table] - self.before[filled.table]
            yield from ((filled.table, column) for column in filled.into if column in columns)


def _moves(events: list[Event], lasting: _Lasting) -> Iterator[Move]:
    """Rows and values that the revision brings from what it takes away into what it makes."""
    for event in events:
        match event:
            case Created(name, words) if name in lasting.after and name not in lasting.before:
                yield from (Move(table, column, name) for table, column in lasting.gone(words))
            case Filled():
                for to, into in lasting.new(event):
                    for table, column in lasting.gone(event.words):
                        pairs = tuple((source, new) for new, source in event.columns if bool(column) == bool(into))
                        pairs = tuple(pair for pair in pairs if not into or pair == (column, into))
                        yield Move(table, column, to, into, pairs)
            case Read(words):
                yield from _looped(lasting, words)
            case _:
                pass


def _put_aside(events: list[Event], before: Columns, after: Columns) -> Iterator[Move]:
    """Columns that bear another name until a new one of the old name has their values."""
    for event in events:
        if isinstance(event, Rename) and event.table in before.keys() & after.keys():
            stays, ever = before[event.table] & after[event.table], before[event.table] | after[event.table]
            for passing, name in ((event.new, event.old), (event.old, event.new)):
                if name in stays and passing not in ever:
                    yield Move(event.table, passing, event.table, name, link=Link.ASIDE)


def _looped(lasting: _Lasting, words: frozenset[str]) -> Iterator[Move]:
    """What a loop over rows may bring: a replay on empty tables sees the SELECT, and none of what the loop writes."""
    for table, column in lasting.gone(words):
        yield from (Move(table, column, new, link=Link.READ) for new in sorted(lasting.after.keys() - lasting.before))
        if column:
            new_columns = sorted(lasting.after[table] - lasting.before[table])
            yield from (Move(table, column, table, new, link=Link.READ) for new in new_columns)


def _replaced(events: list[Event], before: Columns, after: Columns) -> Iterator[str]:
    """Tables that are there before and after, but not the same: what was there is dropped or bears another name."""
    holds = _holding(events, before)
    read = frozenset(word for event in events if isinstance(event, Read) for word in event.words)
    yield from (
        table for table in before.keys() & after.keys() if table not in holds.get(table, ()) and table not in read
    )


def _moved_twice(
    events: list[Event], before: Columns, after: Columns, known: Collection[tuple[str, str]]
) -> Iterator[Move]:
    """Rows that come to a new table by way of one that does not last; `known` are the pairs that moves name already."""
    tables = (event for event in events if isinstance(event, Rename) and not event.table)
    renamed = {rename.old for rename in _from_first_to_last(tables) if rename.new in after}
    holds = _holding(events, before)
    for new in sorted(after.keys() - before):
        gone = holds.get(new, _NONE) - after.keys() - renamed
        yield from (Move(table, "", new) for table in sorted(gone) if (table, new) not in known)


def _holding(events: list[Event], before: Columns) -> dict[str, frozenset[str]]:
    """By each table that is there in the end, the first tables whose rows it holds."""
    holds: dict[str, frozenset[str]] = {table: frozenset({table}) for table in before}
    for event in events:
        match event:
            case Created(name, words):
                holds[name] = _held(holds, words - {name})
            case Dropped(name):
                holds.pop(name, None)
            case Rename(old, new, "") if old in holds:
                holds[new] = holds.pop(old)
            case Filled(table, words) if table in holds:
                holds[table] |= _held(holds, words - {table})
            case _:
                pass
    return holds


def _held(holds: Mapping[str, frozenset[str]], words: frozenset[str]) -> frozenset[str]:
    """The tables whose rows the tables named by these words hold."""
    return frozenset[str]().union(*(held for table, held in holds.items() if table in words))


def puts_aside(statements: Iterable[str], after: Columns) -> bool:
    """Return whether statements rename what is there, or make a table that does not last under any name.

    A copy that takes the name of its table, as in Alembic's batch operations, is neither, if no other column gets the
    old name of one that it renames; nor is a table that is put aside until its successor of the same name has its rows
    (see `Passing`).
    """
    events = [event for sql in statements for event in events_of(sql)]
    created = {event.name for event in events if isinstance(event, Created)}
    renamed = [event for event in events if isinstance(event, Rename)]
    lasting = after.keys() | {rename.old for rename in renamed if not rename.table}
    copies = {rename.old: rename.new for rename in renamed if not rename.table and rename.old in created}
    filled = [event for event in events if isinstance(event, Filled) and not event.into and event.table in copies]
    return (
        bool(created - lasting)
        or any(_renamed_by(event) & after.get(copies[event.table], _NONE) for event in filled)
        or any(
            rename.table or rename.old not in created or (rename.old in after and rename.new in after)
            for rename in renamed
        )
    )


def _renamed_by(copy: Filled) -> set[str]:
    """The columns that a copy of a table gives another name, and that it does not have under their own as well."""
    return {source for _, source in copy.columns} - {column for column, source in copy.columns if column == source}


def copied_table(sql: str) -> str:
    """The table that an INSERT copies by SELECT * FROM it, by its folded name; empty for any other statement.

    SQLite copies such a table without telling an authorizer that it reads it.
    """
    tokens = [token for token in significant(sql) if token.text != ";"]
    words = [fold(token.text) for token in tokens]
    if verb(sql) not in {"insert", "replace"} or "select" not in words:
        return ""
    at = words.index("select")
    return table_name(tokens, at + 3)[0] if words[at + 1 : at + 3] == ["*", "from"] and len(tokens) > at + 3 else ""


def table_rename(sql: str) -> Rename | None:
    """The rename of a table that a statement is; None for any other statement."""
    begins = (fold(token.text) for token in significant_of(sql) if token.text != ";")
    if [*islice(begins, 2)] != ["alter", "table"]:
        return None
    return next((event for event in events_of(sql) if isinstance(event, Rename) and not event.table), None)


_NONE: frozenset[str] = frozenset()


def _lasts(rename: Rename, before: AbstractSet[str], after: AbstractSet[str]) -> bool:
    return rename.old in before - after and rename.new in after - before


def carried(statements: Iterable[str], columns: Mapping[str, tuple[str, ...]]) -> Carried:
    """What statements that copy or rename tables say of `columns`, those of tables as they are in the end."""
    names: dict[str, str] = {}
    filled: dict[str, list[Filled]] = {}
    later: dict[str, list[Rename]] = {}
    for event in (event for sql in statements for event in events_of(sql)):
        match event:
            case Rename(old, new, ""):
                # What a table was filled with that the same revision copied before counts as well.
                filled[new] = filled.get(new, []) + filled.pop(old, [])
                later[new] = later.get(new, []) + later.pop(old, [])
                names = {before: new if after == old else after for before, after in names.items()} | {old: new}
            case Rename(_, _, table):
                later.setdefault(table, []).append(event)
            case Filled() if not event.into:
                filled.setdefault(event.table, []).append(event)
            case _:
                pass
    computed, cast, renamed = set[tuple[str, str]](), set[tuple[str, str]](), set[tuple[str, str, str]]()
    for table in filled.keys() & columns:
        there, renames = columns[table], later.get(table, [])
        for event in filled[table]:
            computed |= {(table, column) for column in _named(event.computed, there, renames)}
            cast |= {(table, column) for column in _named(event.cast, there, renames)}
            pairs = ((old, new) for new, old in event.columns if new in there and old not in there)
            renamed |= {(table, *pair) for pair in pairs}
    lasting = {old: new for old, new in names.items() if new in columns}
    return Carried(lasting, frozenset(computed), frozenset(cast), frozenset(renamed))


def _named(places: Iterable[str | int], there: tuple[str, ...], renames: list[Rename]) -> set[str]:
    """The columns at some places of a table, by number or by name, with the names that they get later."""
    numbered = dict(enumerate(there))
    found = {place if isinstance(place, str) else numbered.get(place, "") for place in places} - {""}
    for rename in renames:
        found |= {rename.new} if rename.old in found else set()
    return found
