"""Statements of a replay without the values of rows, as they may be kept in a file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.sql.lexer import significant
from architect_migrate.model.history import INSERTING, is_of_rows

if TYPE_CHECKING:
    from architect_migrate.databases.sqlite.sql.lexer import Token
    from architect_migrate.model.history import Replayed, ReplayedStatement

_VALUES = frozenset({"string", "blob", "number"})
_MASK = "'…'"


def without_rows(replayed: Replayed, source: str) -> Replayed:
    """A replay without the values of rows that a revision writes outside of its data step.

    Values that an INSERT writes are masked. Others stay where they stand in `source`, the text of the chain's files:
    they are no more secret than these, and suggestions are made from them.
    """
    return replace(replayed, statements=tuple(_masked(statement, source) for statement in replayed.statements))


def _masked(statement: ReplayedStatement, source: str) -> ReplayedStatement:
    if not is_of_rows(statement):
        return statement
    known = "" if statement.verb in INSERTING else source
    text, end = "", 0
    for token in significant(statement.text):
        if _is_hidden(token, known):
            text += statement.text[end : token.start] + _MASK
            end = token.end
    return replace(statement, text=text + statement.text[end:], masked=True) if text else statement


def _is_hidden(token: Token, known: str) -> bool:
    content = token.text[1:-1].replace("''", "'") if token.kind == "string" else token.text
    return token.kind in _VALUES and (not known or content not in known)
