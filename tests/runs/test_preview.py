"""What a run would do, as a result: the policies of an environment applied."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import DatabaseMissingError
from architect_migrate.diagnosis.claims import Claims
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.planning.plan import Plan, RunRevision, Stamp
from architect_migrate.planning.results import Outcome, State, Survey
from architect_migrate.runs import foreseen
from architect_migrate.runs.contracts import Prepared
from architect_migrate.runs.preview import as_policy_says, blank, built, planned, refused
from support.small import small

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.results import Result

POSITION = frozenset({"r1"})
STEPS = (RunRevision("r1"), Stamp(("r1",)))
STOP = Finding(Level.BLOCKING, "blocked-shape", "table a", "it is stuck")
SKIPPED = "nothing of the chain is in it; its policy is to skip it"
REFUSED = 'nothing of the chain is in it; to build it, set uninitialised = "create" for it, or "skip"'


def context(folder: Path, *policies: str) -> EnvironmentContext:
    return small(folder).under(*policies).context()


SURVEYS = {
    State.MISSING: Survey(False, Claims(), frozenset(), ("r1",), Counter()),
    State.UNINITIALISED: Survey(True, Claims(), frozenset(), ("r1",), Counter()),
    State.DRIFTED: Survey(True, Claims(("r1",)), POSITION, (), Counter(breaking=1)),
    State.BEHIND: Survey(True, Claims(("r1",)), POSITION, ("r2",), Counter()),
}


def survey(state: State, *findings: Finding) -> Survey:
    seen = SURVEYS[state]
    assert seen.state is state
    return replace(seen, findings=findings)


def plan(*steps: RunRevision | Stamp, blockers: tuple[Finding, ...] = ()) -> Plan:
    return Plan(steps, blockers, (), frozenset(), POSITION)


@pytest.mark.parametrize(
    ("made", "outcome", "detail"),
    [
        (plan(*STEPS), Outcome.PLANNED, "2 steps"),
        (plan(*STEPS[:1]), Outcome.PLANNED, "1 step"),
        (plan(), Outcome.NOTHING, "up to date"),
        (plan(*STEPS, blockers=(STOP,)), Outcome.BLOCKED, "1 thing stands in the way"),
        (plan(blockers=(STOP, STOP)), Outcome.BLOCKED, "2 things stand in the way"),
    ],
)
def test_a_preview_comes_out_as_its_plan_says(tmp_path: Path, made: Plan, outcome: Outcome, detail: str) -> None:
    seen = survey(State.BEHIND, STOP)
    found = planned(blank(context(tmp_path), "upgrade"), Prepared(seen, made))
    assert (found.outcome, found.detail, found.plan, found.survey) == (outcome, detail, made, seen)
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("policy", "state", "expected"),
    [
        ("create", State.UNINITIALISED, None),
        ("create", State.MISSING, None),
        ("skip", State.BEHIND, None),
        ("error", State.DRIFTED, None),
        ("error", State.UNINITIALISED, (Outcome.BLOCKED, REFUSED)),
        ("skip", State.UNINITIALISED, (Outcome.SKIPPED, SKIPPED)),
        ("skip", State.MISSING, (Outcome.SKIPPED, "no file there; its policy is to skip it")),
    ],
)
def test_a_database_with_nothing_of_the_chain_is_treated_by_its_policy(
    tmp_path: Path, policy: str, state: State, expected: tuple[Outcome, str] | None
) -> None:
    assert refused(context(tmp_path, f'uninitialised = "{policy}"'), survey(state)) == expected


def test_a_file_that_is_not_there_is_an_error_unless_a_policy_says_otherwise(tmp_path: Path) -> None:
    its = context(tmp_path)
    with pytest.raises(DatabaseMissingError, match=r"it\.db"):
        refused(its, survey(State.MISSING))


@pytest.mark.parametrize(
    ("blockers", "outcome", "detail"),
    [((), Outcome.PLANNED, ""), ((STOP,), Outcome.BLOCKED, "1 thing stands in the way")],
)
def test_a_preview_of_a_database_to_be_built_is_planned_or_blocked(
    tmp_path: Path, blockers: tuple[Finding, ...], outcome: Outcome, detail: str
) -> None:
    made, seen = plan(*STEPS, blockers=blockers), survey(State.UNINITIALISED)
    found = built(blank(context(tmp_path), "upgrade"), seen, made)
    assert (found.outcome, found.detail, found.plan, found.survey) == (outcome, detail, made, seen)


def test_a_blank_result_names_its_environment_and_says_that_there_was_nothing_to_do(tmp_path: Path) -> None:
    found = blank(context(tmp_path), "upgrade")
    assert (found.environment, found.action, found.outcome, found.plan) == ("it", "upgrade", Outcome.NOTHING, None)
    assert found.database.endswith("it.db")


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [("require_rehearsal = true", Outcome.BLOCKED), ("require_rehearsal = false", Outcome.PLANNED)],
)
def test_a_preview_is_held_back_where_a_rehearsal_is_required_and_there_was_none(
    tmp_path: Path, policy: str, outcome: Outcome
) -> None:
    its = context(tmp_path, policy)
    shown = planned(blank(its, "upgrade"), Prepared(survey(State.BEHIND), plan(*STEPS)))
    assert as_policy_says(its, lambda: shown).outcome is outcome


def test_a_database_that_goes_on_changing_is_surveyed_three_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    its = context(tmp_path)
    made = (planned(blank(its, "upgrade"), Prepared(survey(State.BEHIND), plan(RunRevision(f"r{n}")))) for n in count())
    asked: list[Result] = []

    def blocked(_: EnvironmentContext, result: Result) -> Result:
        asked.append(result)
        return replace(result, plan=plan(*STEPS, blockers=(STOP,)), outcome=Outcome.BLOCKED)

    monkeypatch.setattr(foreseen, "as_foreseen", blocked)
    assert as_policy_says(its, lambda: next(made)).outcome is Outcome.BLOCKED
    assert len(asked) == 3
