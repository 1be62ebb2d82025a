"""What a yes to the prompt would do: databases, steps, rows, what is blocked, and where the backups go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import with_title
from architect_migrate.cli.report.layout import block
from architect_migrate.core.text import clean, pluralize
from architect_migrate.databases.registry import dialect
from architect_migrate.planning.plan import RunDowngrade
from architect_migrate.planning.results import Outcome
from architect_migrate.planning.row_findings import MEANING, statements_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.results import Result
    from architect_migrate.planning.row_findings import RowQuestion
    from architect_migrate.runs.rewrites import Rewrites

# Statements that a question shows.
_STATEMENTS = 8


def stakes_text(previews: Sequence[Result], rewrites: Mapping[str, Rewrites], backups: Path) -> str:
    """Describe the change that is planned; `rewrites` by environment."""
    return "\n".join(_stakes(previews, rewrites, backups))


def _stakes(previews: Sequence[Result], rewrites: Mapping[str, Rewrites], backups: Path) -> Iterator[str]:
    plans = [preview.plan for preview in previews if preview.outcome is Outcome.PLANNED and preview.plan]
    steps = [step for plan in plans for step in plan.steps]
    yield ""
    yield f"{pluralize(len(plans), 'database')} to change, {pluralize(len(steps), 'step')}"
    yield f"  tables rebuilt: {_rebuilt(rewrites)}"
    written = [f"{clean(name)} {clean(table)}" for name, found in rewrites.items() for table in found.written]
    if written:
        yield f"  revisions also write rows of {', '.join(written)}"
    if any(isinstance(step, RunDowngrade) for step in steps):
        yield "  a downgrade() may rewrite other rows: its statements are known only when it runs"
    for preview in previews:
        if preview.outcome in {Outcome.BLOCKED, Outcome.FAILED}:
            yield f"  {preview.outcome.value}, not changed: {clean(preview.environment)}: {clean(_why(preview))}"
    yield f"  backups go to {clean(str(backups))}"


def row_question_text(environment: str, question: RowQuestion, graph: RevisionGraph, width: int) -> str:
    """What has to be decided about the rows of a revision: why, its statements without literals, and the answers."""
    judgement = question.judgement
    lines = ["", *block(f"{environment}: {with_title(graph, judgement.revision)}: {question.why}", "", width, "  ")]
    lines.append("  what it does to rows:")
    for text in statements_of(judgement, dialect.without_literals, _STATEMENTS):
        lines += block(text, "    ", width, "  ")
    lines += (f"  {answer.value:<4}  {MEANING[answer]}" for answer in question.answers)
    return "\n".join(lines)


def _rebuilt(rewrites: Mapping[str, Rewrites]) -> str:
    tables = [(name, table, rows) for name, found in rewrites.items() for table, rows in found.rebuilt]
    if not tables:
        return "none"
    listed = ", ".join(f"{clean(name)} {clean(table)} ({rows:,})" for name, table, rows in tables)
    return f"{len(tables)}, which rewrites {pluralize(sum(rows for *_, rows in tables), 'row')}: {listed}"


def _why(preview: Result) -> str:
    """What stands in the way, in a line."""
    blockers = preview.plan.blockers if preview.plan else ()
    return "; ".join(f"{blocker.subject}: {blocker.found}" for blocker in blockers) or preview.detail
