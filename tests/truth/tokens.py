"""Tokens of SQL text, for the oracle's own reading of schemas: nothing of archmig's lexer is used here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
    | (?P<string>[xX]?'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    | (?P<sign><=|>=|<>|!=|==|\|\||<<|>>|->>|->|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_TABLE_CONSTRAINTS = ("constraint", "primary", "unique", "check", "foreign")


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is folded: names in lower case and without quotes, strings as they are."""

    kind: str
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text in words

    def is_sign(self, sign: str) -> bool:
        return self.kind == "sign" and self.text == sign


@dataclass(frozen=True, slots=True)
class Definition:
    """One part of a CREATE TABLE's list: a column or a constraint of the table."""

    text: str
    tokens: tuple[Token, ...]

    @property
    def is_column(self) -> bool:
        return not self.tokens[0].is_word(*_TABLE_CONSTRAINTS)

    @property
    def column(self) -> str:
        return self.tokens[0].text if self.is_column else ""


@dataclass(frozen=True, slots=True)
class TableText:
    """A CREATE TABLE text in three parts; `definitions` stand between the parentheses."""

    before: str
    definitions: tuple[Definition, ...]
    after: str

    def text(self, definitions: Sequence[str]) -> str:
        """The statement with these definitions."""
        return f"{self.before}({', '.join(definitions)}){self.after}"


def tokens(sql: str) -> tuple[Token, ...]:
    return tuple(_tokens(sql))


def _tokens(sql: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(sql):
        kind, text = match.lastgroup or "", match.group()
        match kind:
            case "space":
                continue
            case "quoted":
                closing = text[-1]
                text = text[1:-1].replace(closing * 2, closing).lower()
            case "word":
                text = text.lower()
        yield Token(kind, text, match.start(), match.end())


def normal(sql: str | None) -> str:
    """The text with one space between tokens, names folded, and no parentheses around the whole."""
    return joined(tokens(sql or ""))


def joined(found: Sequence[Token]) -> str:
    while len(found) > 1 and found[0].is_sign("(") and closing(found, 0) == len(found) - 1:
        found = found[1:-1]
    return " ".join(token.text for token in found)


def closing(found: Sequence[Token], start: int) -> int:
    """The index of the parenthesis that closes the one at `start`."""
    depth = 0
    for number in range(start, len(found)):
        depth += found[number].is_sign("(") - found[number].is_sign(")")
        if depth == 0:
            return number
    return len(found) - 1


def table_text(sql: str) -> TableText:
    """Take a CREATE TABLE statement apart. Raises ValueError for a virtual table."""
    found = tokens(sql)
    if not found or any(token.is_word("virtual", "select") for token in found[:8]):
        raise ValueError(f"no table with a list of columns: {sql}")
    start = next(number for number, token in enumerate(found) if token.is_sign("("))
    end = closing(found, start)
    definitions: list[Definition] = []
    depth, first = 0, start + 1
    for number in range(start + 1, end + 1):
        token = found[number]
        if number == end or (depth == 0 and token.is_sign(",")):
            part = found[first:number]
            definitions.append(Definition(sql[part[0].start : part[-1].end], part))
            first = number + 1
        depth += token.is_sign("(") - token.is_sign(")")
    return TableText(sql[: found[start].start], tuple(definitions), sql[found[end].end :])
