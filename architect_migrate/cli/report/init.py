"""A new environments.toml with the state of its databases, as text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.cli.report.lint import lint_summary
from architect_migrate.cli.report.shared import Report, problem_json
from architect_migrate.core.text import clean, pluralize
from architect_migrate.lint.rules import Level
from architect_migrate.planning.results import EMPTY, Outcome, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.authoring.adopt.adopt import Adoption
    from architect_migrate.cli.documents.changing import AdoptedJson, CheckedJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.lint.lint import LintResult
    from architect_migrate.planning.results import Result

# The next command for databases in one of these states; of several, the first of these.
_NEXT = (
    (frozenset({State.UNDECIDED, State.UNKNOWN_STAMP}), "archmig diagnose {names}"),
    (frozenset({State.DRIFTED, State.UNSTAMPED}), "archmig reconcile {names} --dry-run"),
    (EMPTY | {State.BEHIND}, "archmig upgrade {names} --dry-run"),
)
_FEW = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """How the databases of a new environments.toml are.

    `checked` says what lint checked. `error` is why nothing can be said; then the rest is empty.
    """

    results: tuple[Result, ...] = ()
    status: Report = field(default_factory=lambda: Report(lambda *_: ""))
    lint: LintResult | None = None
    checked: str = "lint"
    error: Exception | None = None

    @property
    def exit_code(self) -> int:
        """2 where a database or the chain could not be read, else 0."""
        failed = any(result.outcome is Outcome.FAILED for result in self.results)
        return 2 if self.error or failed else 0


def dry_report(adoption: Adoption) -> Report:
    """The file that would be written."""
    return Report(
        lambda *_: adoption.text.rstrip("\n"),
        more=lambda: {"dry_run": True, **_json(adoption)},
        notes=lambda: [*map(clean, adoption.notes), f"Nothing was written: it would be {adoption.file}"],
    )


def init_report(adoption: Adoption, standing: Standing) -> Report:
    """The file that was written, the status of its databases, what lint found, and the next command."""
    following = next_command(adoption, standing)
    return Report(
        lambda paint, width: "\n".join(_lines(adoption, standing, following, paint, width)),
        environments=standing.status.environments,
        more=lambda: {
            **_json(adoption),
            "lint": _lint_json(standing.lint) if standing.lint else None,
            "next": following,
            **({"problem": problem_json(standing.error)} if standing.error else {}),
        },
        notes=lambda: map(clean, adoption.notes),
    )


def _lines(adoption: Adoption, standing: Standing, following: str, paint: Paint, width: int) -> Iterator[str]:
    here = Path.cwd()
    file = adoption.file.relative_to(here) if adoption.file.is_relative_to(here) else adoption.file
    entries = pluralize(len(adoption.entries), "entry", "entries")
    yield f"Wrote {clean(str(file))}: {entries}, for the chain of {clean(adoption.chain)}."
    yield ""
    if standing.results:
        yield standing.status.text(paint, width)
        yield ""
    if standing.lint:
        more = " (archmig lint lists them)" if standing.lint.violations else ""
        yield f"{standing.checked}: {lint_summary(standing.lint)}{more}"
    yield f"Next: {following}"


def next_command(adoption: Adoption, standing: Standing) -> str:
    """The command to run next, by the states of the databases."""
    if adoption.lacks_baseline:
        return f"archmig baseline --env {adoption.entries[0].name}"
    if standing.error:
        return "archmig status, when that is corrected"
    if standing.lint and not standing.lint.revisions:
        return 'archmig new "Create the first tables"'
    for states, command in _NEXT:
        its = [result.environment for result in standing.results if result.survey and result.state in states]
        if its:
            every = len(its) > _FEW or len(its) == len(standing.results) > 1
            return command.format(names="--all" if every else " ".join(map(clean, its)))
    failed = any(result.survey is None for result in standing.results)
    return "archmig status, when that is corrected" if failed else "archmig check"


def _json(adoption: Adoption) -> AdoptedJson:
    return {
        "config": str(adoption.file),
        "text": adoption.text,
        "chain": str(adoption.way.chain.ini),
        "notes": [*adoption.notes],
    }


def _lint_json(linted: LintResult) -> CheckedJson:
    errors = sum(violation.level is Level.ERROR for violation in linted.violations)
    return {"judged": linted.revisions, "errors": errors, "warnings": len(linted.violations) - errors}
