"""Observes one environment for a report: its survey, the blockers of a repair, and whether it is up to date."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.config.policies import skips_uninitialised
from architect_migrate.core.text import shortlist
from architect_migrate.diagnosis.findings import Level
from architect_migrate.planning.results import DEPARTED, Outcome, Result, State
from architect_migrate.runs.survey import survey, with_row_judgements

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.results import Survey


def observe(context: EnvironmentContext, action: str) -> Result:
    """Survey the environment's database, without the evidence in the result. Raises as `survey`."""
    return _result(context, action, without_evidence(survey(context)))


def _result(context: EnvironmentContext, action: str, seen: Survey) -> Result:
    environment = context.environment
    return Result(environment.name, str(environment.url), action, Outcome.NOTHING, survey=seen)


def without_evidence(seen: Survey) -> Survey:
    """The survey without its schema, and with one fact of each revision.

    Why: pickling all of it between processes would take longer than the survey.
    """
    if seen.diagnosis is None:
        return seen
    judgements = tuple(replace(judgement, present=judgement.present[:1]) for judgement in seen.diagnosis.judgements)
    return replace(seen, schema=None, diagnosis=replace(seen.diagnosis, judgements=judgements))


def examine(context: EnvironmentContext, action: str) -> Result:
    """Survey the database, and plan its repair where it has drifted: only a plan finds the rows that block it."""
    result = _result(context, action, survey(context))
    if result.state in DEPARTED - {State.UNKNOWN_STAMP}:
        from architect_migrate.runs.reconcile import preview

        result = replace(preview(context), action=action, outcome=Outcome.NOTHING)
    return replace(result, survey=with_row_judgements(context, result.survey)) if result.survey else result


def unclean(context: EnvironmentContext, seen: Survey) -> str:
    """Why a database is not up to date with its environment's target; empty if it is."""
    match seen.state:
        case State.UP_TO_DATE:
            return (
                f"the tracker does not match the applied revisions: {', '.join(seen.unsynced)}" if seen.unsynced else ""
            )
        case State.BEHIND:
            return _pending(seen)
        case State.UNKNOWN_STAMP:
            assert seen.diagnosis is not None
            return seen.diagnosis.followed.problem
        case State.UNDECIDED:
            subjects = [finding.subject for finding in seen.findings if finding.level is Level.BLOCKING]
            return f"a person has to decide about {shortlist(subjects, 2)}"
        case State.DRIFTED:
            return _drift(seen)
        case State.UNSTAMPED:
            return ", ".join(filter(None, ("it has no stamp", _pending(seen))))
        case State.UNINITIALISED | State.MISSING:
            if skips_uninitialised(context.environment):
                return ""
            absent = "the server has no such database" if seen.served else "no file there"
            return absent if seen.state is State.MISSING else "nothing of the chain is in it"
        case State.COULD_NOT_TELL:
            raise AssertionError(seen)


def _pending(seen: Survey) -> str:
    return f"{len(seen.pending)} pending" if seen.pending else ""


def _drift(seen: Survey) -> str:
    counts = {name: seen.drift[name] for name in ("breaking", "behavioural") if seen.drift.get(name)}
    kinds = " and ".join(f"{number:,} {name}" for name, number in counts.items())
    word = "difference" if sum(counts.values()) == 1 else "differences"
    text = f"{kinds} {word} from the chain" if counts else "the stamp does not match the schema"
    if seen.interrupted and not counts:
        text = "an interrupted run left something"
    return ", ".join(filter(None, (text, _pending(seen))))
