"""A rehearsal as text: whether it would go through, what each step took, what became of rows, size and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from architect_migrate.cli.report.backup import size_text
from architect_migrate.cli.report.chain import place, short_names
from architect_migrate.cli.report.diagnosis import blockers_text
from architect_migrate.cli.report.documents import action_json
from architect_migrate.cli.report.layout import Cell, Style, block, plain, shortened, table
from architect_migrate.core.text import clean, count
from architect_migrate.core.urls import mask
from architect_migrate.planning.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import Setting
    from architect_migrate.core.errors import ArchmigError
    from architect_migrate.databases.values import TableDelta
    from architect_migrate.model.revision_graph import Outline
    from architect_migrate.planning.results import Receipt
    from architect_migrate.runs.rehearsal.results import Rehearsal, Roundtrip, Timing


SLOWEST = 8
_LONGEST = 70
_FEW = 8


def rehearsal_text(
    its: Rehearsal, outline: Outline, most: int | None = None, paint: Paint = plain, width: int = 120
) -> str:
    """One environment's rehearsal; of more than `most` steps the slowest, in few words."""
    result = its.result
    if result.outcome is Outcome.BLOCKED:
        return f"{blockers_text(result, paint, width)}\n  {_command(its)} would change nothing"
    lines = [f"{paint(clean(result.environment), Style.BOLD)}: {_verdict(its, outline, paint)}"]
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


def _verdict(its: Rehearsal, outline: Outline, paint: Paint) -> str:
    result = its.result
    number = f" (rehearsal {its.number})" if its.number else ""
    match result.outcome:
        case Outcome.DONE if result.plan:
            words = f"{its.command.value} to {place(outline, result.plan.after, short_names(outline))}"
            return f"{words} {paint('would go through', Style.GOOD)}{number}"
        case Outcome.FAILED:
            return f"{its.command.value} {paint('would fail', Style.BAD)}{number}"
        case _:
            return f"{its.command.value} would do nothing: {clean(result.detail)}{number}"


def _parts(its: Rehearsal, most: int | None) -> Iterator[list[Cell]]:
    steps = sorted((it for it in its.timings if it.step), key=lambda it: -it.seconds)
    shown = steps[:most]
    left = steps[len(shown) :]
    slowest = steps[0] if len(steps) > 1 else None
    backup = f"{size_text(its.backup_size)}" if its.backup_size else ""
    rest_told = False
    for it in its.timings:
        if it.step and it not in shown:
            continue
        if not it.step and it is its.timings[-1] and left:
            yield _rest(left)
            rest_told = True
        note = backup if it.what.startswith("backing up") else "slowest step" if it is slowest else ""
        what = it.what if most is None or len(it.what) <= _LONGEST else f"{it.what[: _LONGEST - 1]}…"
        yield [Cell(what), Cell(f"{it.seconds:.2f}"), Cell(note, Style.CAUTION if it is slowest else Style.DIM)]
    if left and not rest_told:
        yield _rest(left)


def _rest(left: list[Timing]) -> list[Cell]:
    words = f"{count(len(left), 'other step')}, each at most {max(it.seconds for it in left):.2f}"
    return [Cell(words, Style.DIM), Cell(f"{sum(it.seconds for it in left):.2f}", Style.DIM), Cell("")]


def _facts(its: Rehearsal, receipt: Receipt) -> Iterator[str]:
    held = f"the write lock would be held for about {max(its.lock, 0.1):.1f} s, and applications wait for it"
    yield f"{held}; open just now in {shortened(its.openers, _FEW)}" if its.openers else held
    grown = f"{size_text(its.size_before)} before, {size_text(its.size_after)} after"
    yield f"size: {grown}; the backup takes {size_text(its.backup_size)} more" if its.backup_size else f"size: {grown}"
    if receipt.tables:
        kept = f"rows: {count(receipt.rows, 'row')} in {count(receipt.tables, 'table')} were there"
        yield f"{kept}; {count(receipt.compared, 'table')} compared value by value"
    yield from changes_lines(its.changes)
    before, after = receipt.dangling
    if before or after:
        yield f"foreign keys: {count(before, 'row')} that refer to nothing before, {after:,} after"


def changes_lines(changes: Iterable[TableDelta]) -> Iterator[str]:
    """What becomes of rows that were there, a line for each kind of change to a table."""
    for it in changes:
        name = clean(it.table)
        if it.gone:
            yield f"table {name} goes, with {count(it.lacking, 'row')}"
        elif it.lacking:
            yield f"{count(it.lacking, 'row')} of {name} {'goes' if it.lacking == 1 else 'go'}"
        if it.changed:
            yield f"{count(it.changed, 'row')} of {name} {'gets' if it.changed == 1 else 'get'} other values"
        for column, values in it.columns:
            if values:
                yield f"column {name}.{clean(column)} goes, with {count(values, 'value')}"


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
        yield f"  roundtrip: {took}: {paint(count(len(its.differences), 'difference'), Style.BAD)}"
    for line in its.differences[:_FEW]:
        yield from block(line, "    ", width)
    if len(its.differences) > _FEW:
        yield f"    and {len(its.differences) - _FEW} more"
    if its.losses:
        gone = shortened([f"{it.rows:,} of {it.subject}" for it in its.losses], _FEW)
        yield from block(f"the way back takes away rows and values: {gone}", "    ", width)


Json = dict[str, Any]


def untold_json(setting: Setting, error: ArchmigError) -> Json:
    """An environment of which nothing could be found out."""
    problem = {"type": type(error).__name__, "message": mask(str(error))}
    return {"name": setting.environment.name, "database": mask(str(setting.environment.url)), "error": problem}


def rehearsal_json(its: Rehearsal, outline: Outline) -> Json:
    """An environment as `rehearse` tells of it."""
    told = {"rehearsed": its.command.value, **action_json(its.result, outline, {})}
    if told["receipt"]:
        del told["receipt"]["backup"]
    return {
        **told,
        "rehearsal": its.number or None,
        "seconds": round(its.seconds, 3),
        "timings": [{"part": it.what, "step": it.step or None, "seconds": round(it.seconds, 4)} for it in its.timings],
        "lock_seconds": round(its.lock, 3),
        "openers": [*its.openers],
        "size": {"before": its.size_before, "after": its.size_after, "backup": its.backup_size},
        "changes": changes_json(its.changes),
        "roundtrip": None if its.roundtrip is None else _roundtrip_json(its.roundtrip),
    }


def changes_json(changes: Iterable[TableDelta]) -> list[Json]:
    """What becomes of rows that were there."""
    return [
        {
            "table": it.table,
            "lost": it.lacking,
            "changed": it.changed,
            "columns": dict(it.columns),
            "gone": it.gone,
            "exact": it.exact,
        }
        for it in changes
    ]


def _roundtrip_json(its: Roundtrip) -> Json:
    return {
        "same": its.same,
        "seconds_back": round(its.back, 3),
        "seconds_again": round(its.again, 3),
        "differences": [*its.differences],
        "losses": [{"object": it.subject, "rows": it.rows} for it in its.losses],
        "failed": mask(its.failed) or None,
        "nothing": its.nothing,
    }
