"""The tables that a statement writes and reads, as PostgreSQL's own plan of it names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from architect_migrate.databases.postgresql.pinned import taken_back

if TYPE_CHECKING:
    from collections.abc import Iterator

# The kinds of statements that EXPLAIN takes are found out by asking: an error means that it does not take this one.
_EXPLAIN = "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) "


def tables_of(connection: psycopg.Connection[Any], sql: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the tables of the current schema that a statement writes, and those that it reads.

    None where PostgreSQL plans nothing for it. The statement does not run.
    """
    operations, reads = operations_of(connection, sql)
    return frozenset(table for _, table in operations), reads


def operations_of(connection: psycopg.Connection[Any], sql: str) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    """Return what a statement does to tables of the current schema ("insert", table), and the tables that it reads.

    The statement does not run.
    """
    try:
        with taken_back(connection):
            (schema,) = connection.execute("SELECT current_schema()").fetchone() or ("",)
            row = connection.execute(f"{_EXPLAIN}{sql}").fetchone()
    except psycopg.Error:
        return frozenset(), frozenset()
    # REFRESH MATERIALIZED VIEW, among others, has a name of what it is instead of a plan.
    plans = [plan["Plan"] for plan in (row[0] if row else []) if isinstance(plan, dict) and "Plan" in plan]
    nodes = [node for plan in plans for node in _nodes(plan) if node.get("Schema") == schema]
    operations = {
        (node["Operation"].lower(), node["Relation Name"]) for node in nodes if node["Node Type"] == "ModifyTable"
    }
    writes = {table for _, table in operations}
    reads = {node["Relation Name"] for node in nodes if node["Node Type"] != "ModifyTable"}
    targets = {node["Alias"] for node in nodes if node["Node Type"] == "ModifyTable"}
    # An UPDATE or DELETE looks for the rows of its target by a node of the same name.
    own = {node["Relation Name"] for node in nodes if node["Alias"] in targets and node["Node Type"] != "ModifyTable"}
    return frozenset(operations), frozenset(reads - (own & writes))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)
