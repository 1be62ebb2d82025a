"""Blocks revisions that a required environment does not have yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.text import shortlist
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.planning.plan import RunRevision
from architect_migrate.planning.results import State
from architect_migrate.runs.survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class Lacking:
    """The revisions that a required environment does not have; `why` says what state it is in (empty: its position)."""

    environment: str
    revisions: tuple[str, ...]
    why: str = ""

    def __str__(self) -> str:
        text = f"{self.environment} has not had {shortlist(self.revisions, 1)}"
        return text + (f" ({self.why})" if self.why else "")


def lacking(context: EnvironmentContext, revisions: Iterable[str]) -> tuple[Lacking, ...]:
    """Which of the revisions the required environments do not have, judged by their databases.

    A revision on a branch that is not theirs is not required of them; a database that cannot be read has none.
    """
    wanted = set(revisions)
    missing = []
    for each in context.required if wanted else ():
        position, why = reached(each)
        if left := tuple(revision for revision in each.graph.order if revision in wanted - position):
            missing.append(Lacking(each.environment.name, left, why))
    return tuple(missing)


def reached(context: EnvironmentContext) -> tuple[frozenset[str], str]:
    """The position of an environment, and why it has none (empty: it has one)."""
    try:
        seen = survey(context)
    except ArchmigError as error:
        return frozenset(), str(error)
    match seen.state:
        case State.MISSING:
            return frozenset(), "there is no file"
        case State.UNINITIALISED:
            return frozenset(), "nothing of the chain is in it"
        case _:
            return seen.position, ""


def as_promoted(context: EnvironmentContext, plan: Plan) -> Plan:
    """The same plan, blocked where it runs a revision that a required environment does not have."""
    run = [step.revision for step in plan.steps if isinstance(step, RunRevision)]
    blockers = tuple(_blocker(context, gap) for gap in lacking(context, run))
    return replace(plan, blockers=(*plan.blockers, *blockers)) if blockers else plan


def _blocker(context: EnvironmentContext, missing: Lacking) -> Finding:
    name = context.environment.name
    advice = f"archmig upgrade -e {missing.environment} first, or archmig promote --to {name}, which stops before it"
    return Finding(Level.BLOCKING, "not-promoted", name, str(missing), advice, missing.revisions[0])
