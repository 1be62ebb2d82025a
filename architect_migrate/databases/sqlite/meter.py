"""Measures the statements that run on a connection while a step is executed."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from architect_migrate.core.names import BATCH_COPY, fold
from architect_migrate.core.secrets import mask
from architect_migrate.databases.costs import Kind, StatementCost, StepCost
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.model.history import WRITING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.base import Place

_LONGEST = 200
# Characters of a statement that show its kind; the rest may be megabytes of values.
_BEGINNING = 2_000


@dataclass(slots=True)
class _Cost:
    kind: Kind
    times: int = 0
    seconds: float = 0.0
    rows: int = 0


@dataclass(slots=True)
class Meter:
    """The costs measured so far; statements between two steps are not measured."""

    found: list[StepCost] = field(default_factory=list)
    what: str = ""
    revision: str = ""
    forced: Kind | None = None
    began: float = 0.0
    costs: dict[str, _Cost] = field(default_factory=dict)
    remade: set[str] = field(default_factory=set)

    def begin(self, what: str, revision: str = "", kind: Kind | None = None) -> None:
        """Begin a step, and end the one before; all its statements count as `kind` if one is given."""
        self.end()
        self.what, self.revision, self.forced, self.began = what, revision, kind, time.perf_counter()

    def end(self) -> None:
        """End the current step, if there is one."""
        if self.what:
            seconds = time.perf_counter() - self.began
            costs = (
                StatementCost(text, one.kind, one.times, one.seconds, one.rows) for text, one in self.costs.items()
            )
            ordered = tuple(sorted(costs, key=lambda cost: -cost.seconds))
            self.found.append(StepCost(self.what, self.revision, seconds, ordered))
        self.what = ""
        self.costs.clear()
        self.remade.clear()

    def attach(self, connection: sqlite3.Connection) -> None:
        """Measure what runs on a connection from now on, as `attach`."""
        attach(self, connection)

    @contextmanager
    def statement(self, sql: str, connection: sqlite3.Connection) -> Iterator[None]:
        """Measure the statement that runs in the block."""
        if not self.what:
            yield
            return
        cost = self._cost(sql)
        changes, began = connection.total_changes, time.perf_counter()
        try:
            yield
        finally:
            cost.seconds += time.perf_counter() - began
            cost.rows += connection.total_changes - changes
            cost.times += 1

    def _cost(self, sql: str) -> _Cost:
        text = " ".join(mask(sql).split())
        text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
        if text not in self.costs:
            kind, table = kind_of(sql, self.remade)
            self.remade |= {table} - {""}
            self.costs[text] = _Cost(self.forced or kind)
        return self.costs[text]


def meter_of(_place: Place) -> Meter:
    """Return a meter for connections to a database."""
    return Meter()


def attach(meter: Meter, connection: sqlite3.Connection) -> None:
    """Measure every statement that runs on a connection from now on, through any cursor.

    The connection has to be of a Python subclass of sqlite3.Connection, because its methods are replaced.
    """

    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, *values: Any) -> Self:
            with meter.statement(sql, connection):
                return super().execute(sql, *values)

        def executemany(self, sql: str, *values: Any) -> Self:
            with meter.statement(sql, connection):
                return super().executemany(sql, *values)

        def executescript(self, sql: str) -> Self:
            with meter.statement(sql, connection):
                super().executescript(sql)
            return self

    def cursor(factory: type[sqlite3.Cursor] = Cursor) -> sqlite3.Cursor:
        return sqlite3.Connection.cursor(connection, factory)

    # Why not SQLite's trace callback: it reports neither the end of a statement nor the number of rows.
    vars(connection).update(
        cursor=cursor,
        execute=lambda sql, *values: cursor().execute(sql, *values),
        executemany=lambda sql, *values: cursor().executemany(sql, *values),
        executescript=lambda sql: cursor().executescript(sql),
    )


def kind_of(sql: str, remade: Iterable[str] = ()) -> tuple[Kind, str]:
    """The kind of a statement, and the table that a batch operation recreates with it (empty: none).

    `remade` are the folded names of tables that the same step is recreating; dropping one of them is part of that.
    """
    words = [fold(unquote(token.text)) for token in significant(sql[:_BEGINNING])]
    for word in words[:6]:
        if word.startswith(BATCH_COPY):
            return Kind.REBUILD, word.removeprefix(BATCH_COPY)
    verb, *rest = words or [""]
    if verb == "with":
        verb = next((word for word in rest if word in WRITING), "select")
    match verb:
        case "create" | "drop" if "index" in rest[:2]:
            return Kind.INDEX, ""
        case "reindex":
            return Kind.INDEX, ""
        case "drop" if set(rest) & set(remade):
            return Kind.REBUILD, ""
        case "create" | "alter" | "drop":
            return Kind.SCHEMA, ""
        case "insert" | "update" | "delete" | "replace":
            return Kind.ROWS, ""
        case "select" | "pragma" | "explain" | "values":
            return Kind.READING, ""
        case _:
            return Kind.OTHER, ""
