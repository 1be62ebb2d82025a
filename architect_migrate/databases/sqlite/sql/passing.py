"""Reads renames, and tables that exist only while a revision runs, from the statements that it executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.model.history import Passing, Rename, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.databases.sqlite.sql.lexer import Token

    Columns = Mapping[str, frozenset[str]]


class _Created(NamedTuple):
    """A table that a statement creates."""

    name: str


class _Copied(NamedTuple):
    """Rows copied into a table; `columns` pairs each column with the column that it is copied from."""

    table: str
    columns: tuple[tuple[str, str], ...]


_Event = Rename | _Created | _Copied


def on_the_way(
    statements: Iterable[str], before: Columns, after: Columns
) -> tuple[tuple[Passing, ...], tuple[Rename, ...]]:
    """The tables that exist only between two schemas, and the renames that last.

    A schema is given by the folded names of its tables and of their columns.
    """
    events = [event for sql in statements for event in _events(sql)]
    renamed = [event for event in events if isinstance(event, Rename) and not event.table]
    created = {event.name for event in events if isinstance(event, _Created)}
    lasting = {*before, *after}
    passing = [
        Passing(rename.new, rename.old, Role.ASIDE)
        for rename in renamed
        if rename.old in before and rename.new not in lasting
    ]
    copies = [
        Passing(rename.old, rename.new, Role.COPY)
        for rename in renamed
        if rename.old in created and rename.old not in lasting
    ]
    of = {copy.name: copy.table for copy in copies}
    columns = [event for event in events if isinstance(event, Rename) and event.table]
    columns += [
        Rename(source, column, of[event.table])
        for event in events
        if isinstance(event, _Copied) and event.table in of
        for column, source in event.columns
    ]
    renames = [
        rename
        for rename in renamed
        if rename.old in before and rename.old not in after and rename.new in after.keys() - before
    ]
    renames += [
        column for column in columns if _lasts(column, before.get(column.table, _NONE), after.get(column.table, _NONE))
    ]
    return tuple(dict.fromkeys((*passing, *copies))), tuple(dict.fromkeys(renames))


_NONE: frozenset[str] = frozenset()


def _lasts(rename: Rename, before: frozenset[str], after: frozenset[str]) -> bool:
    return rename.old in before - after and rename.new in after - before


def _events(sql: str) -> Iterator[_Event]:
    tokens = [token for token in significant(sql) if token.text != ";"]
    words = [fold(token.text) for token in tokens]
    match words[:2]:
        case ["alter", "table"]:
            table, at = _name(tokens, 2)
            rest = words[at:]
            if rest[:2] == ["rename", "to"]:
                yield Rename(table, _text(tokens[at + 2]))
            elif rest[:1] == ["rename"]:
                names = tokens[at + 2 :] if rest[1] == "column" and len(rest) > 4 else tokens[at + 1 :]
                yield Rename(_text(names[0]), _text(names[2]), table)
        case ["create", "table"]:
            yield _Created(_name(tokens, 5 if words[2:5] == ["if", "not", "exists"] else 2)[0])
        case ["insert", "into"]:
            yield from _copied(tokens, words)
        case _:
            pass


def _copied(tokens: list[Token], words: list[str]) -> Iterator[_Copied]:
    """Read INSERT INTO table (columns) SELECT columns FROM ...: which column is copied from which."""
    table, at = _name(tokens, 2)
    if words[at : at + 1] != ["("] or "select" not in words or "from" not in words:
        return
    start, end = words.index("select") + 1, _at_top(words, "from", words.index("select"))
    into = [_text(part[-1]) for part in _parts(tokens[at + 1 : words.index("select") - 1])]
    sources = [_source(part) for part in _parts(tokens[start:end])]
    if len(into) == len(sources):
        yield _Copied(table, tuple((column, source) for column, source in zip(into, sources, strict=True) if source))


def _at_top(words: list[str], word: str, start: int) -> int:
    """The position of a word outside all parentheses; the end if there is none."""
    depth = 0
    for at in range(start, len(words)):
        depth += (words[at] == "(") - (words[at] == ")")
        if depth == 0 and words[at] == word:
            return at
    return len(words)


def _parts(tokens: list[Token]) -> list[list[Token]]:
    """Split a list of terms at its commas."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.text == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _source(part: list[Token]) -> str:
    """The column that a term of a SELECT names, alone or in a CAST; empty for anything else."""
    words = [fold(token.text) for token in part]
    if words[:2] == ["cast", "("] and "as" in words:
        part, words = part[2 : words.index("as")], words[2 : words.index("as")]
    elif "as" in words:
        part, words = part[: words.index("as")], words[: words.index("as")]
    is_column = len(part) == 1 or (len(part) == 3 and part[1].text == ".")
    return _text(part[-1]) if is_column and part[-1].kind in {"word", "quoted"} else ""


def _name(tokens: list[Token], at: int) -> tuple[str, int]:
    """A table's folded name, without its schema, and the position after it."""
    if len(tokens) > at + 2 and tokens[at + 1].text == ".":
        at += 2
    return _text(tokens[at]), at + 1


def _text(token: Token) -> str:
    return fold(unquote(token.text))
