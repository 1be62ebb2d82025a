"""Blocks plans with revisions whose values do not fit: a cast that changes them, a default that STRICT refuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.core.text import pluralize
from architect_migrate.databases.sqlite.batch_casts import batch_casts, kept
from architect_migrate.databases.sqlite.rows.taken import Demand
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote, words_of
from architect_migrate.databases.sqlite.sql.render import default_text
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.history import WRITING
from architect_migrate.planning import blockers as blocked
from architect_migrate.planning.row_questions import RowsIn, Violating

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.model.history import Replayed, ReplayedStatement
    from architect_migrate.model.schema import Column, Table
    from architect_migrate.planning.row_questions import Answer

_ROW = ("CREATE TABLE t (x ANY) STRICT", "INSERT INTO t VALUES (1)")


def casts_of(revision: str, replayed: Replayed, tables: Mapping[str, Table]) -> Iterator[Demand]:
    """The demand that each value survives the casts of a revision's batch operations.

    `tables` are those whose rows are what they are now when the revision begins. One that a statement before the cast
    may have changed is not among them any more.
    """
    changed: set[str] = set()
    for statement in replayed.statements:
        for value, declared, _ in batch_casts("" if statement.masked else statement.text):
            name, column = (next(iter(statement.reads), ""), fold(unquote(significant(value)[-1].text)))
            table = tables.get(name) if name not in changed else None
            if table and len(statement.reads) == 1 and any(each.name == column for each in table.columns):
                yield _cast(revision, (name, column), value, declared)
        changed |= _may_change(statement)


def _may_change(statement: ReplayedStatement) -> frozenset[str]:
    """The names of tables whose values may be others after a statement: those of which a copy is made, too."""
    if statement.verb in WRITING:
        return statement.writes | statement.reads
    words = words_of(statement.text)
    adds = statement.verb == "alter" and words.isdisjoint({"rename", "drop"})
    return frozenset() if adds or (statement.verb == "create" and "index" in words) else words


def _cast(revision: str, subject: tuple[str, str], value: str, declared: str) -> Demand:
    table, column = subject
    advice = f"convert them by hand, or in {revision} first, with an UPDATE (AM302)"

    def found(answer: Answer) -> Finding:
        finding = blocked.lost_values(table, column, declared, answer)
        found = f"{revision} would fail: {finding.found}"
        return replace(finding, found=found, advice=advice, revision=revision, entry="")

    return Demand(table, Violating(table, kept(value, declared)), found)


def default_of(revision: str, shape: Table, column: Column) -> Iterator[Demand]:
    """The demand that no row is there which would get a default that the column of a STRICT table does not take."""
    refused = refused_default(shape, column)
    if not refused:
        return
    advice = f"give it a server_default of its type in {revision} (AM302)"

    def found(answer: Answer) -> Finding:
        rows = pluralize(answer.count, "row is", "rows are")
        words = f"{revision} would fail: {refused}, and {rows} there"
        return Finding(Level.BLOCKING, "blocked-values", f"{shape.name}.{column.name}", words, advice, revision)

    yield Demand(shape.name, RowsIn(shape.name), found)


def refused_default(shape: Table, column: Column) -> str:
    """Why a STRICT table does not take the default of a new column for rows that are there, in words; else empty.

    SQLite is asked: ALTER TABLE gives rows a default of any type, and only integrity_check reports it.
    """
    if not shape.strict or column.default is None or column.generated is not None:
        return ""
    default = default_text(shape, column.name)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        try:
            for statement in (*_ROW, f"ALTER TABLE t ADD COLUMN c {column.declared} DEFAULT {default}"):
                scratch.execute(statement)
        except sqlite3.Error:  # an expression, or what only the application defines: ALTER TABLE is not used then
            return ""
        (said,) = scratch.execute("PRAGMA integrity_check").fetchone()
    return "" if said == "ok" else f"its default {default} is not a value of {column.declared}, as STRICT requires"
