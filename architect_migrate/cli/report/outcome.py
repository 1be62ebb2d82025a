"""What came of a run, or would, as text and as JSON: one line an environment, and a line of totals."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import newest, short_names
from architect_migrate.cli.report.layout import Cell, Style, block, plain, table
from architect_migrate.cli.report.shared import Report, complaint, environment_json, said_once
from architect_migrate.cli.report.status import at, state_cell
from architect_migrate.core.secrets import mask
from architect_migrate.core.text import pluralize
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.cli.documents.changing import ChangeJson, PlanJson, ReceiptJson
    from architect_migrate.cli.documents.common import LossJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Loss, Receipt, Result

_HEADERS = ("environment", "state before", "outcome", "from", "to", "steps", "rows kept", "seconds", "backup")
_STYLES = {
    Outcome.DONE: Style.GOOD,
    Outcome.NOTHING: Style.DIM,
    Outcome.SKIPPED: Style.DIM,
    Outcome.PLANNED: Style.CAUTION,
    Outcome.BLOCKED: Style.BAD,
    Outcome.FAILED: Style.BAD,
}


def summary_text(results: tuple[Result, ...], graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """What was done to each environment, and the totals; backups by name, their folder in the totals."""
    names = short_names(graph)
    rows = [_row(result, graph, names) for result in results]
    totals = [line for total in _totals(results) for line in block(total, "", width, "  ")]
    return "\n".join([*table(_HEADERS, rows, paint, width), "", *totals])


def _row(result: Result, graph: RevisionGraph, names: Mapping[str, str]) -> list[Cell]:
    receipt, plan, seen = result.receipt, result.plan, result.survey
    before = at(seen, graph, names)
    done = result.outcome is Outcome.DONE
    # A run that failed on its way has a receipt of what it committed.
    after = newest(graph, plan.after, names) if (done or receipt) and plan else before
    word = "not confirmed" if result.outcome is Outcome.PLANNED else result.outcome.value
    return [
        Cell(result.environment, Style.BOLD),
        state_cell(result),
        Cell(word, _STYLES[result.outcome]),
        Cell(before),
        Cell(after, Style.GOOD if done else Style.PLAIN),
        Cell(f"{len(receipt.steps):,}" if receipt else "-"),
        Cell(f"{receipt.rows:,}" if receipt else "-"),
        Cell(f"{receipt.seconds:.1f}" if receipt else "-"),
        Cell(Path(receipt.backup).name if receipt and receipt.backup else "-"),
    ]


def _totals(results: tuple[Result, ...]) -> list[str]:
    words = {Outcome.PLANNED: "not confirmed"}
    number = Counter(words.get(result.outcome, result.outcome.value) for result in results)
    receipts = [result.receipt for result in results if result.receipt]
    lines = [f"{pluralize(len(results), 'environment')}: {', '.join(f'{n} {word}' for word, n in number.items())}"]
    if receipts:
        rows, tables, gone, seconds = (
            sum(getattr(receipt, name) for receipt in receipts) for name in ("rows", "tables", "gone", "seconds")
        )
        kept = f"{pluralize(rows, 'row')} in {pluralize(tables, 'table')} kept"
        kept += f", {pluralize(gone, 'row')} gone" if gone else ""
        lines[0] += f"; {kept}, proven in {seconds:.1f} s"
    folders = dict.fromkeys(str(Path(receipt.backup).parent) for receipt in receipts if receipt.backup)
    return [*lines, *(f"backups in {folder}" for folder in folders)]


def change_report(results: tuple[Result, ...], graph: RevisionGraph, shown: Mapping[str, Result]) -> Report:
    """What was done to each environment, what stood in the way, and warnings that were not `shown` before."""
    return Report(
        partial(_changed_text, results, graph),
        lambda: (change_json(result, graph) for result in results),
        notes=lambda: warnings_of(results, shown),
    )


def _changed_text(results: tuple[Result, ...], graph: RevisionGraph, paint: Paint, width: int) -> str:
    summary = summary_text(results, graph, paint, width)
    blocked = [result for result in results if result.outcome is Outcome.BLOCKED]
    if not blocked:
        return summary
    from architect_migrate.cli.report.diagnosis import blockers_text

    return "\n\n".join([summary, *(blockers_text(result, paint, width) for result in blocked)])


def dry_report(results: tuple[Result, ...], graph: RevisionGraph, sql: Mapping[str, str]) -> Report:
    """Each plan as steps, or what stands in its way, and as SQL where `sql` has it by environment.

    Equal plans are shown once, with the names of all their environments. What failed is on stderr already.
    """

    def texts(paint: Paint, width: int) -> Iterator[str]:
        from architect_migrate.cli.report.diagnosis import blockers_text
        from architect_migrate.cli.report.plan import joined, plan_text, together

        for group in together([result for result in results if result.outcome is not Outcome.FAILED], sql):
            result, script = joined(group), sql.get(group[0].environment)
            blocked = result.outcome is Outcome.BLOCKED
            yield blockers_text(result, paint, width) if blocked else plan_text(result, graph, paint, width)
            if script:
                yield f"\n{script}\n"

    return replace(_sql_report(results, graph, sql), text=lambda paint, width: "\n".join(texts(paint, width)))


def offline_report(results: tuple[Result, ...], graph: RevisionGraph, sql: Mapping[str, str]) -> Report:
    """The SQL of each environment as Alembic prints it offline; what is blocked is noted."""

    def texts() -> Iterator[str]:
        for result in results:
            if result.environment in sql:
                yield f"-- {result.environment}: {result.database}\n{sql[result.environment]}\n"
            elif result.outcome is not Outcome.BLOCKED:
                yield f"-- {result.environment}: {result.detail or result.outcome.value}\n"

    return replace(
        _sql_report(results, graph, sql),
        text=lambda *_: "\n".join(texts()),
        notes=lambda: (
            complaint(f"{result.environment}: {_blockers(result)}")
            for result in results
            if result.outcome is Outcome.BLOCKED and result.environment not in sql
        ),
    )


def _sql_report(results: tuple[Result, ...], graph: RevisionGraph, sql: Mapping[str, str]) -> Report:
    return Report(
        lambda *_: "",
        lambda: (change_json(result, graph, sql.get(result.environment)) for result in results),
        lambda: {"dry_run": True},
    )


def _blockers(result: Result) -> str:
    blockers = result.plan.blockers if result.plan else ()
    return "; ".join(f"{blocker.subject}: {blocker.found} ({blocker.advice})" for blocker in blockers) or result.detail


def failure_lines(results: Iterable[Result], *, debug: bool) -> Iterator[str]:
    """Lines of why environments failed, with traces where those are asked for."""
    failed = [result for result in results if result.outcome is Outcome.FAILED]
    yield from said_once((result.environment, result.detail) for result in failed)
    for result in failed if debug else ():
        if result.error and result.error.trace:
            yield mask(result.error.trace.rstrip())


def warnings_of(results: Iterable[Result], shown: Mapping[str, Result] = MappingProxyType({})) -> Iterator[str]:
    """Lines about environments, without what was `shown` of them before."""
    told = {name: before.warnings for name, before in shown.items()}
    yield from said_once(
        (result.environment, warning)
        for result in results
        for warning in result.warnings
        if warning not in told.get(result.environment, ())
    )


def change_json(result: Result, graph: RevisionGraph, sql: str | None = None) -> ChangeJson:
    """An environment and what was done there, or would be."""
    seen, plan = result.survey, result.plan
    before = [*heads(graph, seen.position)] if seen else None
    return {
        **environment_json(result.environment, result.database, result.error),
        "outcome": result.outcome.name.lower(),
        "detail": result.detail,
        "from": before,
        "to": [*heads(graph, plan.after)] if plan else before,
        "plan": _plan_json(plan, sql),
        "losses": losses_json(result.losses),
        "receipt": None if result.receipt is None else _receipt_json(result.receipt),
        "warnings": [*result.warnings],
        "rehearsal": result.rehearsal or None,
    }


def losses_json(losses: Iterable[Loss]) -> list[LossJson]:
    """Rows of tables and values of columns that go."""
    return [{"object": loss.subject, "rows": loss.rows, "unless": loss.unless or None} for loss in losses]


def _plan_json(plan: Plan | None, sql: str | None) -> PlanJson | None:
    if plan is None:
        return None
    from architect_migrate.cli.report.plan import plan_json

    return plan_json(plan, sql)


def _receipt_json(receipt: Receipt) -> ReceiptJson:
    return {
        "number": receipt.number or None,
        "stamp_before": [*receipt.came_from],
        "stamp_after": [*receipt.arrived_at],
        "seconds": round(receipt.seconds, 3),
        "backup": receipt.backup or None,
        "tables": receipt.tables,
        "rows": receipt.rows,
        "rows_gone": receipt.gone,
        "tables_compared": receipt.compared,
        "digests": dict(receipt.digests),
        "dangling_before": receipt.orphans[0],
        "dangling_after": receipt.orphans[1],
    }
