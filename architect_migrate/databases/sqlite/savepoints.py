"""Follows the savepoints that code opens, so that what it rolls back is not taken for done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote

if TYPE_CHECKING:
    from collections.abc import Callable

Known = TypeVar("Known")

_VERBS = ("savepoint", "release", "rollback")
# Characters of a statement in which its verb is looked for: others may be megabytes of values.
_BEGINNING = 80


class Savepoints(Generic[Known]):
    """The savepoints that are open, each with what was known when it began."""

    def __init__(self) -> None:
        self._open: list[tuple[str, Known]] = []

    def hear(self, text: str, now: Callable[[], Known]) -> Known | None:
        """Take in a statement that is run; return what was known at the savepoint to which it rolls back, if it does.

        Names are without case, and of two equal ones the inner savepoint is meant.
        """
        if not text[:_BEGINNING].lstrip().lower().startswith(_VERBS):
            return None
        words = [fold(unquote(token.text)) for token in significant(text) if token.text != ";"]
        if words[0] == "savepoint":
            self._open.append((words[-1], now()))
            return None
        places = [place for place, (name, _) in enumerate(self._open) if name == words[-1]]
        if not places or (words[0] == "rollback" and "to" not in words[1:3]):
            return None
        del self._open[places[-1] + (words[0] == "rollback") :]
        return self._open[-1][1] if words[0] == "rollback" else None
