"""What is said of databases that archmig only looks at: no advice to have it change one, and what it would do there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.databases.registry import only_looks
from architect_migrate.diagnosis.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.results import Survey

_BY_ROWS = "look for its rows, and bring what is missing by hand"
_BY_HAND = "change that by hand: archmig only looks at databases of this kind"


def as_looked_at(context: EnvironmentContext, seen: Survey) -> Survey:
    """Return the survey, without advice to have archmig change a database of a kind that it only looks at."""
    if not only_looks(context.environment.url):
        return seen
    findings = (
        replace(finding, advice=_BY_HAND) if finding.level in {Level.REPAIR, Level.BLOCKING} else finding
        for finding in seen.findings
    )
    return replace(seen, findings=(*findings, *_not_run(context, seen)), looks_only=True)


def _not_run(context: EnvironmentContext, seen: Survey) -> Iterator[Finding]:
    """Yield the data steps that a repair would run, where archmig runs none."""
    from architect_migrate.diagnosis.data_steps import lasts, wants_data_step

    for judgement in seen.diagnosis.judgements if seen.diagnosis else ():
        revision = judgement.revision.id
        wanted = revision in seen.position and wants_data_step(judgement)
        if wanted and lasts(context.history, seen.position, revision):
            found = "nothing shows that it ran; what it did to rows is not known"
            yield Finding(Level.WARNING, "data-step-unknown", f"data step of {revision}", found, _BY_ROWS)
