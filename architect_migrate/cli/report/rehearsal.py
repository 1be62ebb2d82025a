"""A rehearsal as text and as JSON: whether it would go through, what steps took, what became of rows and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from architect_migrate.cli.report.chain import place, short_names
from architect_migrate.cli.report.diagnosis import blockers_text
from architect_migrate.cli.report.layout import Cell, Style, block, plain, shortened, table
from architect_migrate.cli.report.outcome import change_json, failure_lines, losses_json, warnings_of
from architect_migrate.cli.report.shared import Report, environments_json, size_text
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.text import clean, pluralize
from architect_migrate.planning.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from architect_migrate.cli.documents.changing import (
        ReceiptJson,
        RehearsalJson,
        RehearsedReceiptJson,
        RoundtripJson,
        TableChangeJson,
    )
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.values import TableDelta
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.results import Receipt
    from architect_migrate.runs.rehearsal.results import Rehearsal, Roundtrip, Timing


SLOWEST = 8
_LONGEST = 70
_FEW = 8


def rehearsal_text(
    its: Rehearsal, graph: RevisionGraph, most: int | None = None, paint: Paint = plain, width: int = 120
) -> str:
    """One environment's rehearsal; of more than `most` steps the slowest, in few words."""
    result = its.result
    if result.outcome is Outcome.BLOCKED:
        return f"{blockers_text(result, paint, width)}\n  {_command(its)} would change nothing"
    lines = [f"{paint(clean(result.environment), Style.BOLD)}: {_verdict(its, graph, paint)}"]
    if its.timings:
        lines += [f"  {line}" for line in table(("part", "seconds", ""), _parts(its, most), paint, width - 2)]
    if result.receipt:
        for line in _facts(its, result.receipt):
            lines += block(line, "  ", width)
    if its.roundtrip:
        lines += _roundtrip(its.roundtrip, paint, width)
    return "\n".join(lines)


def _command(its: Rehearsal) -> str:
    return f"archmig {its.command.value}"


def _verdict(its: Rehearsal, graph: RevisionGraph, paint: Paint) -> str:
    result = its.result
    number = f" (rehearsal {its.number})" if its.number else ""
    match result.outcome:
        case Outcome.DONE if result.plan:
            words = f"{its.command.value} to {place(graph, result.plan.after, short_names(graph))}"
            return f"{words} {paint('would go through', Style.GOOD)}{number}"
        case Outcome.FAILED:
            return f"{its.command.value} {paint('would fail', Style.BAD)}{number}"
        case _:
            return f"{its.command.value} would do nothing: {clean(result.detail)}{number}"


def _parts(its: Rehearsal, most: int | None) -> Iterator[list[Cell]]:
    steps = sorted((timing for timing in its.timings if timing.step), key=lambda timing: -timing.seconds)
    shown = steps[:most]
    left = steps[len(shown) :]
    slowest = steps[0] if len(steps) > 1 else None
    backup = f"{size_text(its.backup_size)}" if its.backup_size else ""
    rest_told = False
    for each in its.timings:
        if each.step and each not in shown:
            continue
        if not each.step and each is its.timings[-1] and left:
            yield _rest(left)
            rest_told = True
        note = backup if each.backs_up else "slowest step" if each is slowest else ""
        what = each.what if most is None or len(each.what) <= _LONGEST else f"{each.what[: _LONGEST - 1]}…"
        yield [Cell(what), Cell(f"{each.seconds:.2f}"), Cell(note, Style.CAUTION if each is slowest else Style.DIM)]
    if left and not rest_told:
        yield _rest(left)


def _rest(left: list[Timing]) -> list[Cell]:
    words = f"{pluralize(len(left), 'other step')}, each at most {max(timing.seconds for timing in left):.2f}"
    return [Cell(words, Style.DIM), Cell(f"{sum(timing.seconds for timing in left):.2f}", Style.DIM), Cell("")]


def _facts(its: Rehearsal, receipt: Receipt) -> Iterator[str]:
    held = f"the write lock would be held for about {max(its.lock, 0.1):.1f} s, and applications wait for it"
    yield f"{held}; open just now in {shortened(its.openers, _FEW)}" if its.openers else held
    grown = f"{size_text(its.size_before)} before, {size_text(its.size_after)} after"
    yield f"size: {grown}; the backup takes {size_text(its.backup_size)} more" if its.backup_size else f"size: {grown}"
    if receipt.tables:
        yield f"rows: {receipt.kept}; {pluralize(receipt.compared, 'table')} compared value by value"
    yield from changes_lines(its.changes)
    before, after = receipt.orphans
    if before or after:
        yield f"foreign keys: {pluralize(before, 'row')} that refer to nothing before, {after:,} after"


def changes_lines(changes: Iterable[TableDelta]) -> Iterator[str]:
    """What becomes of rows that were there, a line for each kind of change to a table."""
    for change in changes:
        name = clean(change.table)
        if change.gone:
            yield f"table {name} goes, with {pluralize(change.lacking, 'row')}"
        elif change.lacking:
            yield f"{pluralize(change.lacking, 'row')} of {name} {'goes' if change.lacking == 1 else 'go'}"
        if change.changed:
            verb = "gets" if change.changed == 1 else "get"
            yield f"{pluralize(change.changed, 'row')} of {name} {verb} other values"
        for column, values in change.columns:
            if values:
                yield f"column {name}.{clean(column)} goes, with {pluralize(values, 'value')}"


def _roundtrip(its: Roundtrip, paint: Paint, width: int) -> Iterator[str]:
    if its.nothing:
        yield "  roundtrip: the plan runs no revision, so there is nothing to take back"
        return
    took = f"back in {its.back:.1f} s, and again in {its.again:.1f} s"
    if its.failed:
        yield from block(
            f"roundtrip: {paint('it does not go back and up again', Style.BAD)}: {its.failed}", "  ", width
        )
    elif its.same:
        yield f"  roundtrip: {took}: {paint('the same schema both times', Style.GOOD)}"
    else:
        yield f"  roundtrip: {took}: {paint(pluralize(len(its.differences), 'difference'), Style.BAD)}"
    for line in its.differences[:_FEW]:
        yield from block(line, "    ", width)
    if len(its.differences) > _FEW:
        yield f"    and {len(its.differences) - _FEW} more"
    if its.losses:
        gone = shortened([f"{loss.rows:,} of {loss.subject}{loss.condition}" for loss in its.losses], _FEW)
        yield from block(f"the way back takes away rows and values: {gone}", "    ", width)


def rehearsal_report(
    contexts: Sequence[EnvironmentContext],
    found: Sequence[Rehearsal | ArchmigError],
    graph: RevisionGraph,
    most: int | None,
    *,
    debug: bool,
) -> Report:
    """Each environment's rehearsal; the text has the `most` slowest steps."""
    rehearsals = [one for one in found if not isinstance(one, ArchmigError)]
    results = [one.result for one in rehearsals]
    return Report(
        lambda paint, width: "\n\n".join(rehearsal_text(one, graph, most, paint, width) for one in rehearsals),
        lambda: environments_json(contexts, found, lambda _, one: _rehearsal_json(one, graph)),
        notes=lambda: [*failure_lines(results, debug=debug), *warnings_of(results)],
    )


def _rehearsal_json(its: Rehearsal, graph: RevisionGraph) -> RehearsalJson:
    change = change_json(its.result, graph)
    return {
        "rehearsed": its.command.value,
        **change,
        "receipt": _without_backup(change["receipt"]),
        "rehearsal": its.number or None,
        "seconds": round(its.seconds, 3),
        "timings": [
            {"part": part.what, "step": part.step or None, "seconds": round(part.seconds, 4)} for part in its.timings
        ],
        "lock_seconds": round(its.lock, 3),
        "openers": [*its.openers],
        "size": {"before": its.size_before, "after": its.size_after, "backup": its.backup_size},
        "changes": [_table_change_json(delta) for delta in its.changes],
        "roundtrip": None if its.roundtrip is None else _roundtrip_json(its.roundtrip),
    }


def _without_backup(receipt: ReceiptJson | None) -> RehearsedReceiptJson | None:
    if receipt is None:
        return None
    return cast("RehearsedReceiptJson", {key: value for key, value in receipt.items() if key != "backup"})


def _table_change_json(delta: TableDelta) -> TableChangeJson:
    return {
        "table": delta.table,
        "lost": delta.lacking,
        "changed": delta.changed,
        "columns": dict(delta.columns),
        "gone": delta.gone,
        "exact": delta.exact,
    }


def _roundtrip_json(its: Roundtrip) -> RoundtripJson:
    return {
        "same": its.same,
        "seconds_back": round(its.back, 3),
        "seconds_again": round(its.again, 3),
        "differences": [*its.differences],
        "losses": losses_json(its.losses),
        "failed": its.failed or None,
        "nothing": its.nothing,
    }
