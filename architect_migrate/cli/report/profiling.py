"""A profile as text and as JSON: steps by what they cost, or one of them statement by statement."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.report.layout import Cell, Style, plain, table
from architect_migrate.cli.report.shared import Report, environment_json, environments_json, size_text
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.text import clean, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from architect_migrate.cli.documents.reading import ProfiledJson, ProfileJson, StatementJson, StepCostJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import EnvironmentContext
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
    ordered = sorted(its.steps, key=lambda step: -step.seconds)
    shown = ordered[:most]
    lines = [heading(its, paint), *(f"  {name}" for name in table(_HEADERS, _rows(shown), paint, width - 2))]
    if left := ordered[len(shown) :]:
        rest = sum(cost.seconds for cost in left)
        lines.append(f"  {pluralize(len(left), 'other step')}, each at most {left[0].seconds:.3f} s: {rest:.3f} s")
    return "\n".join(lines)


def heading(its: Profile, paint: Paint) -> str:
    """What was measured, and what it comes to."""
    revisions = sum(bool(step.revision) for step in its.steps)
    repairs = len(its.steps) - revisions
    what = [pluralize(revisions, "revision")] if revisions or not repairs else []
    what += [f"{pluralize(repairs, 'step')} of repair"] if repairs else []
    return f"{_name(its, paint)}: {' and '.join(what)} {_cost(its)}"


def _cost(its: Profile) -> str:
    place = f"a copy of {size_text(its.size)}" if its.size else "an empty database"
    rows, statements = sum(step.rows for step in its.steps), sum(step.times for step in its.steps)
    return f"on {place}: {its.seconds:.3f} s, {pluralize(statements, 'statement')}, {pluralize(rows, 'row')} written"


def _name(its: Profile, paint: Paint) -> str:
    return paint(clean(its.result.environment) if its.result else "the chain", Style.BOLD)


def _rows(steps: list[StepCost]) -> Iterator[list[Cell]]:
    for step in steps:
        what = step.what if len(step.what) <= _LONGEST else f"{step.what[: _LONGEST - 1]}…"
        numbers = (f"{step.seconds:.3f}", f"{step.times:,}", f"{step.rows:,}" if step.rows else "-")
        yield [Cell(what, Style.BOLD), *map(Cell, numbers), Cell(_spent(step), Style.DIM)]


def _spent(cost: StepCost) -> str:
    parts = [f"{one.kind.value} {one.seconds:.3f}" for one in cost.spent if one.seconds >= _LEAST]
    parts += [f"Python {cost.outside:.3f}"] if cost.outside >= _LEAST else []
    return ", ".join(parts) or "-"


def step_text(its: Profile, most: int | None, paint: Paint = plain, width: int = 120) -> str:
    """A profile of one revision by its `most` dearest statements (None: all of them)."""
    if not its.steps:
        return profile_text(its, most, paint, width)
    (step,) = its.steps
    shown, left = step.statements[:most], step.statements[most:] if most else ()
    lines = [f"{_name(its, paint)}: {paint(step.what, Style.BOLD)} {_cost(its)}", f"  {_spent(step)}"]
    lines += [f"  {name}" for name in table(_STATEMENTS, _statements(shown), paint, width - 2)]
    if left:
        lines.append(f"  {pluralize(len(left), 'other statement')}: {sum(cost.seconds for cost in left):.4f} s")
    return "\n".join(lines)


def _statements(shown: tuple[StatementCost, ...]) -> Iterator[list[Cell]]:
    for statement_cost in shown:
        rows = f"{statement_cost.rows:,}" if statement_cost.rows else "-"
        yield [
            *map(
                Cell,
                (
                    f"{statement_cost.seconds:.4f}",
                    f"{statement_cost.times:,}",
                    rows,
                    statement_cost.kind.value,
                    statement_cost.text,
                ),
            )
        ]


def profile_report(
    contexts: Sequence[EnvironmentContext],
    found: Sequence[Profile | ArchmigError],
    revision: str | None,
    *,
    verbose: bool,
) -> Report:
    """What each step left to run costs on each environment; of one revision each statement."""
    profiles = [one for one in found if not isinstance(one, ArchmigError)]
    return Report(
        lambda paint, width: "\n\n".join(_text(one, revision, verbose, paint, width) for one in profiles),
        lambda: environments_json(contexts, found, _profiled_json),
    )


def chain_profile_report(found: Profile, revision: str | None, *, verbose: bool) -> Report:
    """What each revision of the chain costs on an empty database."""
    return Report(partial(_text, found, revision, verbose), more=lambda: {"chain": _profile_json(found)})


def _text(found: Profile, revision: str | None, verbose: bool, paint: Paint, width: int) -> str:
    if found.exit_code and found.result:
        from architect_migrate.cli.report.diagnosis import blockers_text

        return blockers_text(found.result, paint, width)
    if revision:
        return step_text(found, None if verbose else STATEMENTS, paint, width)
    return profile_text(found, None if verbose else SLOWEST, paint, width)


def _profiled_json(context: EnvironmentContext, found: Profile) -> ProfiledJson:
    assert found.result is not None
    return {
        **environment_json(context.environment.name, context.environment.url),
        "outcome": found.result.outcome.name.lower(),
        "detail": found.result.detail,
        **_profile_json(found),
    }


def _profile_json(its: Profile) -> ProfileJson:
    return {
        "size": its.size or None,
        "seconds": round(its.seconds, 4),
        "steps": [_step_json(step) for step in its.steps],
    }


def _step_json(step: StepCost) -> StepCostJson:
    return {
        "step": step.what,
        "revision": step.revision or None,
        "seconds": round(step.seconds, 4),
        "outside": round(step.outside, 4),
        "statements": step.times,
        "rows": step.rows,
        "spent": {
            one.kind.value: {"seconds": round(one.seconds, 4), "statements": one.statements, "rows": one.rows}
            for one in step.spent
        },
        "slowest": [_statement_json(statement) for statement in step.statements],
    }


def _statement_json(statement: StatementCost) -> StatementJson:
    return {
        "statement": statement.text,
        "kind": statement.kind.value,
        "times": statement.times,
        "seconds": round(statement.seconds, 5),
        "rows": statement.rows,
    }
