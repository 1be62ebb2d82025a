"""Whether row statements of a revision can still be run when those of later revisions have run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.model.history import INSERTING, replays, row_statements
from architect_migrate.model.revision_graph import ancestry

if TYPE_CHECKING:
    from collections.abc import Collection

    from architect_migrate.model.history import History, ReplayedStatement


def run_before(history: History, revision: str, ran: Collection[str]) -> str:
    """What a later revision that ran did, for which this one would now do something else; empty if nothing.

    It changed rows that this one reads or changes, or it read or would have changed those that this one writes.
    """
    mine = row_statements(replays(history)[revision])
    for later in (each for each in history.graph.order if each in ran and each != revision):
        if revision not in ancestry(history.graph, [later]):
            continue
        replayed = replays(history)[later]
        if read := replayed.reads & frozenset[str]().union(*(each.writes for each in mine)):
            return f"{later}, which ran, read {min(read)}"
        for theirs in row_statements(replayed):
            for statement in mine:
                if table := _meeting(statement, theirs):
                    return f"{later}, which ran, {_did(theirs, table)}"
    return ""


def _did(statement: ReplayedStatement, table: str) -> str:
    return f"changed rows of {table}" if table in statement.writes else f"read {table}"


def _meeting(earlier: ReplayedStatement, later: ReplayedStatement) -> str:
    """A table by which the order of two statements makes a difference; empty where there is none."""
    for table in sorted(later.writes & (earlier.writes | earlier.reads)):
        if not _only_inserted(earlier, later, table) and not _other_columns(later, earlier, table):
            return table
    for table in sorted(earlier.writes & later.reads):
        if not _other_columns(earlier, later, table):
            return table
    return ""


def _only_inserted(earlier: ReplayedStatement, later: ReplayedStatement, table: str) -> bool:
    """Whether both only add rows to a table that neither of them reads."""
    both = earlier.verb in INSERTING and later.verb in INSERTING
    return both and table not in earlier.reads | later.reads


def _other_columns(writing: ReplayedStatement, reading: ReplayedStatement, table: str) -> bool:
    """Whether an UPDATE sets columns of a table that another statement neither sets nor reads."""
    if writing.verb != "update":
        return False
    if table in reading.writes and reading.verb != "update":
        return False
    touched = {column for where, column in reading.looks if where == table}
    touched |= reading.columns if table in reading.writes else set()
    return not touched & writing.columns
