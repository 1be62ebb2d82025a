"""Which tables a revision makes only on its way: read from the statements that it ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.model.history import Passing, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from architect_migrate.databases.sqlite.sql.lexer import Token


class _Rename(NamedTuple):
    """A table gets another name."""

    old: str
    new: str


class _Created(NamedTuple):
    """A table is made."""

    name: str


def passing_tables(statements: Iterable[str], before: Collection[str], after: Collection[str]) -> tuple[Passing, ...]:
    """What these statements made of tables between two schemas, given by the folded names of their tables."""
    events = [event for sql in statements for event in _events(sql)]
    created = {event.name for event in events if isinstance(event, _Created)}
    renames = [event for event in events if isinstance(event, _Rename)]
    lasting = {*before, *after}
    found = [Passing(new, old, Role.ASIDE) for old, new in renames if old in before and new not in lasting]
    found += [Passing(old, new, Role.COPY) for old, new in renames if old in created and old not in lasting]
    found += [
        Passing(new, old, Role.RENAMED)
        for old, new in renames
        if old in before and old not in after and new in after and new not in before
    ]
    return tuple(dict.fromkeys(found))


def _events(sql: str) -> Iterator[_Rename | _Created]:
    tokens = [token for token in significant(sql) if token.text != ";"]
    words = [fold(token.text) for token in tokens]
    if words[:2] == ["alter", "table"]:
        old, rest = _name(tokens, 2)
        if words[rest : rest + 2] == ["rename", "to"]:
            yield _Rename(old, fold(unquote(tokens[rest + 2].text)))
    elif words[:2] == ["create", "table"]:
        at = 5 if words[2:5] == ["if", "not", "exists"] else 2
        yield _Created(_name(tokens, at)[0])


def _name(tokens: list[Token], at: int) -> tuple[str, int]:
    """A table's folded name, without its schema, and the place after it."""
    if len(tokens) > at + 2 and tokens[at + 1].text == ".":
        at += 2
    return fold(unquote(tokens[at].text)), at + 1
