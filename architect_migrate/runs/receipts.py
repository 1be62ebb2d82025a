"""What was done and proven by the transactions of a run."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.core.text import pluralize
from architect_migrate.databases.values import RowProof, TableProof
from architect_migrate.model.history import reference
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.plan import headline
from architect_migrate.planning.results import Receipt
from architect_migrate.runs.commit_proof import rows_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Survey
    from architect_migrate.runs.commit_proof import Proof

    Done = Sequence[tuple[Plan, Proof]]


def receipt_of(
    context: EnvironmentContext, seen: Survey, what: tuple[Plan, Done], backup: str, started: float
) -> Receipt:
    """The receipt of a plan, by the proofs of its transactions, each with its own plan."""
    plan, done = what
    rows = _together(context, seen, done)
    tables = rows.tables
    return Receipt(
        came_from=seen.claims.stamp or (),
        arrived_at=heads(context.graph, plan.after),
        steps=tuple(headline(step) for step in plan.steps),
        seconds=time.time() - started,
        backup=backup,
        tables=sum(not table.dropped for table in tables),
        rows=sum(table.rows_before - table.gone for table in tables),
        compared=sum(table.compared for table in tables),
        digests=tuple((table.table, table.digest) for table in tables if table.digest),
        orphans=(done[0][1].orphans_before, done[-1][1].orphans_after) if done else (0, 0),
        gone=sum(table.gone for table in tables),
        kept=rows_kept(rows) if tables or rows.unwritten else "built from nothing",
    )


def _together(context: EnvironmentContext, seen: Survey, done: Done) -> RowProof:
    """The proof of rows from before the run, of which each transaction compared other tables.

    Tables that an earlier transaction made count in none.
    """
    if not done:
        return RowProof((), (), 0)
    (first, proof), *later = done
    if not later or not first.before:
        return proof.rows
    known = _tables(context, first)
    own = frozenset[str]() if seen.claims.stamp else frozenset({fold(context.graph.version_table)})
    found = {table.table: table for table in proof.rows.tables}
    for plan, its in later:
        new = _tables(context, plan) - known | own
        for table in its.rows.tables:
            if table.table not in new:
                found[table.table] = _added(found.get(table.table), table)
    compared = {table.table for table in proof.rows.tables if not table.dropped}
    more = sum(name not in compared for name in found)
    return RowProof((*found.values(),), (), 0, max(0, proof.rows.unwritten - more))


def _tables(context: EnvironmentContext, plan: Plan) -> frozenset[str]:
    """The chain's tables where a plan begins."""
    return frozenset(table.name for table in reference(context.history, plan.before).tables)


def _added(before: TableProof | None, table: TableProof) -> TableProof:
    """The proof of a table by two transactions: the rows are those before the first one."""
    if before is None:
        return table
    return replace(table, rows_before=before.rows_before, gone=before.gone + table.gone)


def done_words(receipt: Receipt) -> str:
    """What a run did, in a line."""
    where, steps = ", ".join(receipt.arrived_at) or "base", pluralize(len(receipt.steps), "step")
    return f"at {where}, {steps}, {receipt.kept}, {receipt.seconds:.1f} s"
