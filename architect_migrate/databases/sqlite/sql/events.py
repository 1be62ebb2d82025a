"""What single statements do to tables, columns and rows, read from their words: renames, copies, loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql import fills
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote, verb
from architect_migrate.model.history import Rename

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.sqlite.sql.lexer import Token


class Created(NamedTuple):
    """A table is made, by a statement with these words."""

    name: str
    words: frozenset[str]


class Dropped(NamedTuple):
    """A table is dropped."""

    name: str


class Filled(NamedTuple):
    """Rows or values go into a table, by a statement with these words.

    `into` are the columns that an UPDATE sets, empty for an INSERT. `columns` pairs each column with the column that it
    is copied from, where the statement says so. `computed` are the columns, by name or else by place, to which an
    INSERT gives another term of a SELECT than a column, `cast` those to which it gives the CAST of a
    column, or a constant.
    """

    table: str
    words: frozenset[str]
    into: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    computed: tuple[str | int, ...] = ()
    cast: tuple[str | int, ...] = ()


class Read(NamedTuple):
    """A SELECT by itself, as a loop over rows begins with, of these words."""

    words: frozenset[str]


Event = Rename | Created | Dropped | Filled | Read


def events_of(sql: str) -> Iterator[Event]:
    """Yield what a statement does; nothing of one that concerns neither tables nor rows."""
    tokens = [token for token in significant(sql) if token.text != ";"]
    words = [fold(token.text) for token in tokens]
    match words[:2]:
        case ["alter", "table"]:
            yield from _altered(tokens, words)
        case ["create", "table"]:
            yield Created(table_name(tokens, 5 if words[2:5] == ["if", "not", "exists"] else 2)[0], _names(tokens))
        case ["drop", "table"]:
            yield Dropped(table_name(tokens, 4 if words[2:4] == ["if", "exists"] else 2)[0])
        case [_, _]:
            yield from _of_rows(tokens, words, sql)
        case _:
            pass


def select_of(sql: str) -> tuple[str, str]:
    """The table that an INSERT fills from others, and the SELECT by which it does, with its WITH; empty for others."""
    tokens = [token for token in significant(sql) if token.text != ";"]
    words, does = [fold(token.text) for token in tokens], verb(sql)
    if does not in {"insert", "replace"}:
        return "", ""
    at = _at_top(words, does, 0)
    table, end = table_name(tokens, _at_top(words, "into", at) + 1)
    start = min(_at_top(words, word, end) for word in ("select", "values", "with"))
    if words[start : start + 1] not in (["select"], ["with"]):
        return "", ""
    stop = min(_at_top(words, "conflict", start) - 1, _at_top(words, "returning", start))
    text = sql[tokens[start].start : tokens[stop].start if stop < len(tokens) - 1 else len(sql)]
    return table, f"{sql[: tokens[at].start]}{text.rstrip().rstrip(';')}"


def _altered(tokens: list[Token], words: list[str]) -> Iterator[Event]:
    """ALTER TABLE table RENAME [COLUMN]: what it renames."""
    table, at = table_name(tokens, 2)
    rest = words[at:]
    if rest[:2] == ["rename", "to"]:
        yield Rename(table, _text(tokens[at + 2]))
    elif rest[:1] == ["rename"]:
        names = tokens[at + 2 :] if rest[1] == "column" and len(rest) > 4 else tokens[at + 1 :]
        yield Rename(_text(names[0]), _text(names[2]), table)


def _of_rows(tokens: list[Token], words: list[str], sql: str) -> Iterator[Event]:
    """What a statement on rows fills or reads; its verb may stand after WITH."""
    names, does = _names(tokens), verb(sql)
    at = words.index(does) if words[0] != "with" else _at_top(words, does, 1)
    match does:
        case "insert" | "replace":
            table, end = table_name(tokens, _at_top(words, "into", at) + 1)
            rest = tokens[end:], words[end:]
            computed = tuple(_computed(*rest))
            terms, casts = (tuple(place for place, plain in computed if plain is each) for each in (False, True))
            yield Filled(table, names, (), _copied(*rest), terms, casts)
        case "update":
            table, end = table_name(tokens, at + (3 if words[at + 1] == "or" else 1))
            copied = tuple((column, source) for (_, column), (source, _) in fills.filled([sql]).items() if source)
            yield Filled(table, names, tuple(_set(tokens[end:], words[end:])), copied)
        case "select" if "sqlite_master" not in words:
            # What asks for the schema, as reflection does, is no loop over rows.
            yield Read(names)
        case _:
            pass


def _names(tokens: list[Token]) -> frozenset[str]:
    """Every word of a statement that can be the name of a table or column."""
    return frozenset(_text(token) for token in tokens if token.kind in {"word", "quoted"})


def _set(tokens: list[Token], words: list[str]) -> Iterator[str]:
    """SET column = ..., (column, column) = ...: the columns."""
    start = _at_top(words, "set", 0) + 1
    end = min(_at_top(words, word, start) for word in ("from", "where", "returning"))
    for part in _parts(tokens[start:end]):
        ends = next((at for at, token in enumerate(part) if token.text == "="), 0)
        yield from (_text(token) for token in part[:ends] if token.kind in {"word", "quoted"})


def _copied(tokens: list[Token], words: list[str]) -> tuple[tuple[str, str], ...]:
    """(columns) SELECT columns FROM ...: which column is copied from which."""
    if words[:1] != ["("] or "select" not in words or "from" not in words:
        return ()
    start, end = words.index("select") + 1, _at_top(words, "from", words.index("select"))
    into = [_text(part[-1]) for part in _parts(tokens[1 : words.index("select") - 1])]
    sources = [_source(part) for part in _parts(tokens[start:end])]
    if len(into) != len(sources):
        return ()
    return tuple((column, source) for column, source in zip(into, sources, strict=True) if source)


def _computed(tokens: list[Token], words: list[str]) -> Iterator[tuple[str | int, bool]]:
    """[(columns)] SELECT terms FROM ...: which columns get a term that is no column, and whether it computes nothing.

    The CAST of a column computes nothing, and neither does a constant.
    """
    if "select" not in words:
        return
    start = words.index("select")
    into = [_text(part[-1]) for part in _parts(tokens[1 : start - 1])] if words[:1] == ["("] else []
    for place, part in enumerate(_parts(tokens[start + 1 : _at_top(words, "from", start)])):
        if part[-1].text == "*":  # it stands for any number of columns
            return
        name = into[place] if place < len(into) else place
        is_cast = fold(part[0].text) == "cast"
        if not _source(part) or is_cast:
            yield name, (is_cast and bool(_source(part))) or _is_constant(part)


def _is_constant(part: list[Token]) -> bool:
    """Whether a term is a string, a number or NULL, with or without another name."""
    first = part[0].text
    is_literal = first.startswith("'") or first[:1].isdigit() or fold(first) == "null"
    return is_literal and (len(part) == 1 or fold(part[1].text) == "as")


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


def table_name(tokens: list[Token], at: int) -> tuple[str, int]:
    """A table's folded name, without its schema, and the position after it."""
    if len(tokens) > at + 2 and tokens[at + 1].text == ".":
        at += 2
    return _text(tokens[at]), at + 1


def _text(token: Token) -> str:
    return fold(unquote(token.text))
