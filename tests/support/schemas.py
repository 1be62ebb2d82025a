"""Schemas and histories from SQL scripts, for the tests of the pure core."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.model.delta import delta
from architect_migrate.model.history import History, Replayed
from architect_migrate.model.revision_graph import Revision, RevisionGraph

if TYPE_CHECKING:
    from architect_migrate.model.schema import Schema


def schema_of(script: str) -> Schema:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(script)
        return read_schema(connection)


def line_of(*scripts: str) -> History:
    """A line of revisions 1, 2, …, each of which runs a script."""
    return chain_of(
        {
            str(number): (scripts[number - 1], (str(number - 1),) if number > 1 else ())
            for number in range(1, len(scripts) + 1)
        }
    )


def chain_of(steps: dict[str, tuple[str, tuple[str, ...]]]) -> History:
    """A chain from each revision's script and parents, replayed in the order given."""
    revisions = tuple(Revision(name, parents, legacy_version=name) for name, (_, parents) in steps.items())
    replayed, before, script = [], schema_of(""), ""
    for text, _ in steps.values():
        script += text + ";"
        after = schema_of(script)
        replayed.append(Replayed(delta(before, after)))
        before = after
    return History(RevisionGraph(revisions), tuple(replayed))
