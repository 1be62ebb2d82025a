"""Moments of a run at which it can be killed: before and after each statement that it gives to a database of a folder.

Before: SQLite's own trace, which knows the statements of triggers too. After: when the call for it has returned. A
copy through the backup API counts at every step.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Points:
    """How many have been reached, and the one at which the process kills itself (0: none)."""

    deadly: int
    reached: int = 0

    def reach(self, *_: object) -> None:
        self.reached += 1
        if self.reached == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def count_in(folder: str, deadly: int) -> Points:
    """From now on every connection of this process to a file below `folder` reaches points."""
    points = Points(deadly)
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def connected(database: Any, *rest: Any, **options: Any) -> sqlite3.Connection:
        if folder not in os.fspath(database):
            return connect(database, *rest, **options)
        options["factory"] = _telling(options.get("factory", sqlite3.Connection), points)
        connection = connect(database, *rest, **options)
        connection.set_trace_callback(points.reach)
        return connection

    vars(sqlite3)["connect"] = connected
    return points


def _telling(factory: type[sqlite3.Connection], points: Points) -> type[sqlite3.Connection]:
    """A connection whose every call that runs a statement is a point when it has returned."""

    class Cursor(sqlite3.Cursor):
        def execute(self, *rest: Any) -> Any:
            found = super().execute(*rest)
            points.reach()
            return found

        def executemany(self, *rest: Any) -> Any:
            found = super().executemany(*rest)
            points.reach()
            return found

    class Telling(factory):  # type: ignore[misc, valid-type]  # whatever class the caller asked for
        def cursor(self, given: type[sqlite3.Cursor] = Cursor) -> Any:
            return super().cursor(Cursor if given is sqlite3.Cursor else given)

        def backup(self, target: sqlite3.Connection, **options: Any) -> None:
            own = options.pop("progress", None)

            def step(*told: int) -> None:
                points.reach()
                if own:
                    own(*told)

            points.reach()
            super().backup(target, progress=step, **options)
            points.reach()

    return Telling
