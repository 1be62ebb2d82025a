"""A profile as text and as JSON: steps by what they cost, or one of them statement by statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from architect_migrate.cli.report.backup import size_text
from architect_migrate.cli.report.layout import Cell, Style, plain, table
from architect_migrate.core.text import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.databases.costs import StatementCost, StepCost
    from architect_migrate.runs.rehearsal.profiling import Profile

SLOWEST = 15
STATEMENTS = 25
_HEADERS = ("step", "seconds", "statements", "rows", "spent on")
_STATEMENTS = ("seconds", "times", "rows", "kind", "statement")
_LONGEST = 48
_LEAST = 0.0005


def profile_text(its: Profile, most: int | None, paint: Paint = plain, width: int = 120) -> str:
    """The `most` steps that cost most, dearest first (None: all of them), and what all come to."""
    if not its.steps:
        return f"{_name(its, paint)}: {clean(its.result.detail) if its.result else 'the chain has no revision'}"
    ordered = sorted(its.steps, key=lambda it: -it.seconds)
    shown = ordered[:most]
    lines = [heading(its, paint), *(f"  {it}" for it in table(_HEADERS, _rows(shown), paint, width - 2))]
    if left := ordered[len(shown) :]:
        rest = sum(it.seconds for it in left)
        lines.append(f"  {count(len(left), 'other step')}, each at most {left[0].seconds:.3f} s: {rest:.3f} s")
    return "\n".join(lines)


def heading(its: Profile, paint: Paint) -> str:
    """What was measured, and what it comes to."""
    revisions = sum(bool(it.revision) for it in its.steps)
    repairs = len(its.steps) - revisions
    what = [count(revisions, "revision")] if revisions or not repairs else []
    what += [f"{count(repairs, 'step')} of repair"] if repairs else []
    return f"{_name(its, paint)}: {' and '.join(what)} {_cost(its)}"


def _cost(its: Profile) -> str:
    ground = f"a copy of {size_text(its.size)}" if its.size else "an empty database"
    rows, statements = sum(it.rows for it in its.steps), sum(it.times for it in its.steps)
    return f"on {ground}: {its.seconds:.3f} s, {count(statements, 'statement')}, {count(rows, 'row')} written"


def _name(its: Profile, paint: Paint) -> str:
    return paint(clean(its.result.environment) if its.result else "the chain", Style.BOLD)


def _rows(steps: list[StepCost]) -> Iterator[list[Cell]]:
    for it in steps:
        what = it.what if len(it.what) <= _LONGEST else f"{it.what[: _LONGEST - 1]}…"
        numbers = (f"{it.seconds:.3f}", f"{it.times:,}", f"{it.rows:,}" if it.rows else "-")
        yield [Cell(what, Style.BOLD), *map(Cell, numbers), Cell(_spent(it), Style.DIM)]


def _spent(it: StepCost) -> str:
    parts = [f"{one.kind.value} {one.seconds:.3f}" for one in it.spent if one.seconds >= _LEAST]
    parts += [f"Python {it.outside:.3f}"] if it.outside >= _LEAST else []
    return ", ".join(parts) or "-"


def step_text(its: Profile, most: int | None, paint: Paint = plain, width: int = 120) -> str:
    """A profile of one revision by its `most` dearest statements (None: all of them)."""
    if not its.steps:
        return profile_text(its, most, paint, width)
    (step,) = its.steps
    shown, left = step.statements[:most], step.statements[most:] if most else ()
    lines = [f"{_name(its, paint)}: {paint(step.what, Style.BOLD)} {_cost(its)}", f"  {_spent(step)}"]
    lines += [f"  {it}" for it in table(_STATEMENTS, _statements(shown), paint, width - 2)]
    if left:
        lines.append(f"  {count(len(left), 'other statement')}: {sum(it.seconds for it in left):.4f} s")
    return "\n".join(lines)


def _statements(shown: tuple[StatementCost, ...]) -> Iterator[list[Cell]]:
    for it in shown:
        rows = f"{it.rows:,}" if it.rows else "-"
        yield [*map(Cell, (f"{it.seconds:.4f}", f"{it.times:,}", rows, it.kind.value, it.text))]


def profile_json(its: Profile) -> dict[str, Any]:
    """A profile as `profile --json` tells of it: the steps in the order in which they ran."""
    return {
        "size": its.size or None,
        "seconds": round(its.seconds, 4),
        "steps": [
            {
                "step": it.what,
                "revision": it.revision or None,
                "seconds": round(it.seconds, 4),
                "outside": round(it.outside, 4),
                "statements": it.times,
                "rows": it.rows,
                "spent": {
                    one.kind.value: {"seconds": round(one.seconds, 4), "statements": one.statements, "rows": one.rows}
                    for one in it.spent
                },
                "slowest": [
                    {
                        "statement": one.text,
                        "kind": one.kind.value,
                        "times": one.times,
                        "seconds": round(one.seconds, 5),
                        "rows": one.rows,
                    }
                    for one in it.statements
                ],
            }
            for it in its.steps
        ],
    }
