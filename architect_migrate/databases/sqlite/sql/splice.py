"""Cuts and insertions in SQL text that keep every other byte and never move text into a comment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.sql.lexer import BLANKS, Token, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.databases.sqlite.sql.nodes import ParsedTable, Span

_SPACES = " \t\n\f\r"


@dataclass(frozen=True, slots=True)
class Splice:
    """A replacement of the text between two offsets by `text`."""

    start: int
    end: int
    text: str = ""


def splice(sql: str, splices: Iterable[Splice]) -> str:
    """The text after all splices, which must not overlap."""
    # Why from the end: a splice moves the offsets of everything after it.
    for one in sorted(splices, key=lambda one: (one.start, one.end), reverse=True):
        sql = sql[: one.start] + one.text + sql[one.end :]
    return sql


def replaced(sql: str, span: Span, words: str) -> Splice:
    """Replace a span by words, with a blank on either side where tokens would touch."""
    start, end = span
    before = "" if start == 0 or sql[start - 1] in _SPACES + "(" else " "
    after = "" if end >= len(sql) or sql[end] in _SPACES + ",);" else " "
    return Splice(start, end, before + words + after)


def inserted(sql: str, at: int, words: str) -> Splice:
    """Insert words between two tokens, with blanks as needed."""
    return replaced(sql, (at, at), words)


def cut(sql: str, span: Span) -> Splice:
    """Remove a span and the blanks before it, unless those blanks end a line comment."""
    start, end = span
    before = _tokens_before(sql, start)
    if before and before[-1].kind == "space" and not _line_comment(before[:-1]):
        start = before[-1].start
    touching = start > 0 and sql[start - 1] not in _SPACES and end < len(sql) and sql[end] not in _SPACES + ",);"
    return Splice(start, end, " " if touching else "")


def cut_item(sql: str, span: Span) -> tuple[Splice, ...]:
    """Remove a column or constraint from the list, with the one comma that belongs to it."""
    start, end = span
    previous, following = _previous(sql, start), _following(sql, end)
    if following.text == ",":
        if sql[end : following.start].strip(_SPACES):
            return (Splice(start, end), Splice(following.start, following.end))
        return (Splice(start, _blanks_end(sql, following.end)),)
    if following.text == ")" and previous.text == ",":
        if sql[previous.end : start].strip(_SPACES):
            return (Splice(previous.start, previous.end), cut(sql, span))
        return (Splice(previous.start, end),)
    return (cut(sql, span),)


def appended_item(sql: str, table: ParsedTable, item: str) -> tuple[Splice, ...]:
    """Append a column or constraint to the list, after the comments that belong to the item before it."""
    closing = table.body[1] - 1
    last = _previous(sql, closing)
    separator = _separator(sql, (table.constraints or table.columns)[-1].span[0])
    comments = [token for token in _tokens(sql) if token.kind == "comment" and last.end <= token.start < closing]
    if not comments:
        return (Splice(last.end, last.end, "," + separator + item),)
    after = comments[-1]
    return (
        Splice(last.end, last.end, ","),
        Splice(after.end, after.end, _after_comment(after, separator) + item),
    )


def appended_column(sql: str, table: ParsedTable, column: str) -> tuple[Splice, ...]:
    """Insert a column after the last one, before the table's constraints."""
    last = table.columns[-1]
    comma = _following(sql, last.span[1])
    if comma.text != ",":
        return appended_item(sql, table, column)
    separator = _separator(sql, last.span[0])
    at = comma.end
    for token in _tokens(sql):
        if token.start < comma.end:
            continue
        if token.kind == "comment":
            at, separator = token.end, _after_comment(token, separator)
        elif token.kind != "space" or "\n" in token.text:
            break
    after = "" if sql[at] in _SPACES else " "
    return (Splice(at, at, f"{separator}{column},{after}"),)


# Why cached: an edit asks several times for what is around one place of a text.
@lru_cache(maxsize=4)
def _tokens(sql: str) -> tuple[Token, ...]:
    return tokenize(sql)


def _tokens_before(sql: str, at: int) -> list[Token]:
    return [token for token in _tokens(sql) if token.end <= at]


def _line_comment(tokens: list[Token]) -> bool:
    """Whether the last token is a comment that extends to the end of its line."""
    return bool(tokens) and tokens[-1].text.startswith("--")


def _previous(sql: str, at: int) -> Token:
    return [token for token in _tokens_before(sql, at) if token.kind not in BLANKS][-1]


def _following(sql: str, at: int) -> Token:
    return next(token for token in _tokens(sql) if token.start >= at and token.kind not in BLANKS)


def _blanks_end(sql: str, at: int) -> int:
    """The end of the white space at an offset; the offset itself if a comment follows, which stays in place."""
    tokens = [token for token in _tokens(sql) if token.start >= at]
    if tokens[0].kind == "space" and tokens[1].kind != "comment":
        return tokens[0].end
    return at


def _separator(sql: str, item_start: int) -> str:
    """The white space between items of the list: a line break with the last item's indent, or a blank."""
    before = _tokens_before(sql, item_start)
    space = before[-1].text if before and before[-1].kind == "space" else ""
    return "\n" + space.rpartition("\n")[2] if "\n" in space else " "


def _after_comment(comment: Token, separator: str) -> str:
    """The separator; a line break after a line comment, which would otherwise include the text that follows."""
    return "\n    " if comment.text.startswith("--") and "\n" not in separator else separator
