"""Which tables a statement names by place: it depends on the order of their columns, and not on their names."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from architect_migrate.databases.sqlite.sql.lexer import Token

_INSERTING = ("insert", "replace")
_NAMES = frozenset({"word", "quoted", "string"})
_COMPOUND = frozenset({"union", "intersect", "except"})
# What stands before a `*` that means all columns; elsewhere it multiplies, or counts rows.
_BEFORE_STAR = frozenset({"select", "distinct", "all", ",", "."})
# What begins another clause than FROM.
_ENDS_FROM = _COMPOUND | {
    "group", "having", "limit", "order", "returning", "select", "set", "values", "where", "window",
}  # fmt: skip
_NAMED = frozenset({"from", "join", ",", "("})


class _Group(NamedTuple):
    """The tokens from `begin` to `end` that stand in one pair of parentheses, or in none: `own` are not in others."""

    begin: int
    end: int
    own: tuple[int, ...]


class _Words(NamedTuple):
    """The tokens of a statement, and their words; empty for what is in quotes, and can be no keyword."""

    tokens: Sequence[Token]
    words: Sequence[str]

    def at(self, place: int) -> str:
        return self.words[place] if 0 <= place < len(self.words) else ""

    def name(self, place: int) -> str:
        return fold(unquote(self.tokens[place].text))


def named_by_place(sql: str) -> Mapping[str, bool]:
    """Return the tables and views that a statement names by place, folded.

    `INSERT INTO t VALUES ...` names t so, and `SELECT * FROM t` does where its result is not read by names. True says
    that further columns at the end of the table make no difference.
    """
    begin = sql[:_LONG].lstrip().lower()
    is_starred = "*" in sql and "select" in sql.lower()
    if not is_starred and not any(word in begin for word in _INSERTING):
        return {}
    head = sql[:_LONG].partition("(")[0]
    # A loop over rows runs the same statement with many values.
    if begin.startswith(_INSERTING) and not is_starred and not any(sign in head for sign in _ODD):
        return _judged(f"{head}(")
    # Why not all: others may be megabytes of values.
    return _judged(sql) if len(sql) <= _LONG else _judged.__wrapped__(sql)


# How much of a statement says what it does, and what may hide a parenthesis there.
_LONG, _ODD = 4000, ("--", "/*", '"', "`", "[", "'")


@lru_cache(maxsize=512)
def _judged(sql: str) -> Mapping[str, bool]:
    tokens = significant(sql)
    words = _Words(tokens, [fold(each.text) if each.kind in {"word", "operator"} else "" for each in tokens])
    found: dict[str, bool] = {}
    for begin, end in _statements(words):
        part = _Words(words.tokens[begin:end], words.words[begin:end])
        for name, alone in (*_target(part), *_starred(part)):
            found[name] = found.get(name, True) and alone
    return found


def _statements(words: _Words) -> Iterator[tuple[int, int]]:
    """The statement itself, or those that a trigger runs."""
    if words.at(0) != "create" or "trigger" not in words.words[1:3] or "begin" not in words.words:
        yield 0, len(words.words)
        return
    begin = words.words.index("begin") + 1
    for at in range(begin, len(words.words)):
        if words.at(at) == ";":
            yield begin, at
            begin = at + 1


def _target(words: _Words) -> Iterator[tuple[str, bool]]:
    """The table of an INSERT that lists no columns."""
    into = next((at for at, word in enumerate(words.words) if word == "into"), -1)
    if into < 0 or not {*_INSERTING} & {*words.words[:into]}:
        return
    at = into + (3 if words.at(into + 2) == "." else 1)
    after = at + (3 if words.at(at + 1) == "as" else 1)
    if at < len(words.tokens) and words.at(after) not in {"(", "default"}:
        yield words.name(at), True


def _starred(words: _Words) -> Iterator[tuple[str, bool]]:
    """The tables of which a SELECT gives all columns, where the order of these decides what becomes of them."""
    for group in _groups(words):
        stars = [at for at in group.own if words.at(at) == "*" and words.at(at - 1) in _BEFORE_STAR]
        if stars and "select" in (words.at(at) for at in group.own) and _is_by_place(words, group):
            alone = len(stars) == 1 and not _is_compound(words, group) and _is_alone(words, group, stars[0])
            # A name after WITH stands for other tables.
            whole = group.begin == 0 or "with" in words.words
            begin, end = (0, len(words.words)) if whole else (group.begin, group.end)
            yield from ((name, alone) for name in _sources(words, begin, end))


def _groups(words: _Words) -> Iterator[_Group]:
    """The statement without what is in parentheses, and what is in each pair of them."""
    opened: list[tuple[int, list[int]]] = [(0, [])]
    for at, word in enumerate(words.words):
        if word == ")" and len(opened) > 1:
            begin, own = opened.pop()
            yield _Group(begin, at, tuple(own))
        opened[-1][1].append(at)
        if word == "(":
            opened.append((at + 1, []))
    yield from (_Group(begin, len(words.words), tuple(own)) for begin, own in opened)


def _is_compound(words: _Words, group: _Group) -> bool:
    return not _COMPOUND.isdisjoint(words.at(at) for at in group.own)


def _is_by_place(words: _Words, group: _Group) -> bool:
    """Whether the columns of a SELECT are known by their places: not where what reads them gives their names."""
    if _is_compound(words, group):
        return True
    if group.begin == 0:
        own = [words.at(at) for at in group.own]
        # Names of its own, as a view may have.
        return words.at(0) != "create" or "(" in own[: own.index("as")]
    before = group.begin - 2
    while words.at(before) in {"materialized", "not"}:
        before -= 1
    if words.at(before) == "as":
        return words.at(before - 1) == ")"
    return words.at(before) not in {"exists", *_NAMED}


def _is_alone(words: _Words, group: _Group, star: int) -> bool:
    """Whether nothing comes after the columns of one table."""
    rest = [words.at(at) for at in group.own if at > star]
    end = next((at for at, word in enumerate(rest) if word in _ENDS_FROM), len(rest))
    return rest[:1] == ["from"] and "join" not in rest[:end] and "," not in rest[:end]


def _sources(words: _Words, begin: int, end: int) -> Iterator[str]:
    """The tables and views after FROM and JOIN."""
    reading = [False]
    for at in range(begin, end):
        word = words.at(at)
        if word == "(":
            reading.append(reading[-1] and words.at(at - 1) in _NAMED)
        elif word == ")" and len(reading) > 1:
            reading.pop()
        elif word in {"from", "join"}:
            reading[-1] = True
        elif word in _ENDS_FROM:
            reading[-1] = False
        elif reading[-1] and _is_source(words, at):
            yield words.name(at)


def _is_source(words: _Words, at: int) -> bool:
    """Whether a token of a FROM clause names what is read: it is no alias, and no name of a schema."""
    before = at - 3 if words.at(at - 1) == "." else at - 1
    return words.tokens[at].kind in _NAMES and words.at(at + 1) != "." and words.at(before) in _NAMED
