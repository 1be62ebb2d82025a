"""Constraints of a CREATE TABLE text with their names, which no PRAGMA tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from truth.tokens import Token, closing, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truth.tokens import TableText


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`parent_columns` is empty where the text names none: then the parent's primary key is meant."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    actions: str
    name: str

    def text(self, parent_key: tuple[str, ...]) -> str:
        to = self.parent_columns or parent_key
        return f"({', '.join(self.columns)}) to {self.parent} ({', '.join(to)}) {self.actions}".strip()


@dataclass(slots=True)
class Constraints:
    """Inline constraints and those of the table alike; a constraint without a name has the name ''."""

    uniques: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    checks: list[tuple[str, str]] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    collations: list[tuple[str, str]] = field(default_factory=list)
    primary_name: str = ""
    autoincrement: bool = False


def constraints(text: TableText) -> Constraints:
    found = Constraints()
    for definition in text.definitions:
        first = 1 if definition.is_column else 0
        _walk(found, definition.tokens, first, definition.column)
    return found


def _walk(found: Constraints, part: Sequence[Token], at: int, column: str) -> None:
    """Read the constraints of one definition; `column` is '' for a constraint of the table."""
    name = ""
    while at < len(part):
        token = part[at]
        if token.is_word("constraint"):
            name, at = part[at + 1].text, at + 2
            continue
        if token.is_sign("("):
            at = closing(part, at) + 1
            continue
        at = _read(found, part, at, column, name)
        if token.is_word("primary", "unique", "check", "references", "foreign", "not"):
            name = ""


def _read(found: Constraints, part: Sequence[Token], at: int, column: str, name: str) -> int:
    """Read one constraint, and answer where the next begins."""
    token = part[at]
    own = (column,) if column else ()
    if token.is_word("primary"):
        found.primary_name = name
        return at + 2
    if token.is_word("autoincrement"):
        found.autoincrement = True
    elif token.is_word("unique"):
        columns, at = (own, at) if own else _list(part, at + 1)
        found.uniques.append((columns, name))
    elif token.is_word("check"):
        end = closing(part, at + 1)
        found.checks.append((joined(part[at + 1 : end + 1]), name))
        return end + 1
    elif token.is_word("collate"):
        found.collations.append((column, part[at + 1].text))
        return at + 2
    elif token.is_word("default"):
        return at + 1 if part[at + 1].is_sign("(") else at + 2
    elif token.is_word("foreign"):
        columns, at = _list(part, at + 2)
        return _reference(found, part, at + 1, columns, name)
    elif token.is_word("references"):
        return _reference(found, part, at, own, name)
    return at + 1


def _list(part: Sequence[Token], start: int) -> tuple[tuple[str, ...], int]:
    """The names in parentheses, and where the closing one stands."""
    end = closing(part, start)
    return tuple(token.text for token in part[start + 1 : end] if not token.is_sign(",")), end


def _reference(found: Constraints, part: Sequence[Token], at: int, columns: tuple[str, ...], name: str) -> int:
    """Read `REFERENCES parent (...) ...` whose first word stands at `at`."""
    parent, at = part[at + 1].text, at + 2
    parents: tuple[str, ...] = ()
    if at < len(part) and part[at].is_sign("("):
        parents, end = _list(part, at)
        at = end + 1
    start = at
    while at < len(part) and _is_action(part, at):
        at += 1
    actions = " ".join(token.text for token in part[start:at])
    found.foreign_keys.append(ForeignKey(columns, parent, parents, actions, name))
    return at


def _is_action(part: Sequence[Token], at: int) -> bool:
    words = ("on", "delete", "update", "cascade", "restrict", "no", "action", "set", "deferrable", "initially")
    if part[at].is_word(*words, "deferred", "immediate"):
        return True
    before = part[at - 1]
    if part[at].is_word("null", "default"):
        return before.is_word("set")
    return part[at].is_word("not") and at + 1 < len(part) and part[at + 1].is_word("deferrable")
