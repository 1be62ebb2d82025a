"""Databases of which a person has to say what became of rows, and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.reconcile import preview, reconcile
from support.scenarios import headlines

if TYPE_CHECKING:
    from architect_migrate.model.environment import RowAnswer
    from support.scenarios import Home


def undecided(home: Home) -> list[str]:
    seen = home.survey()
    found = [f"{one.subject}: {one.found}" for one in seen.findings if one.code == "rows-undecided"]
    assert (seen.state is State.UNDECIDED) == bool(found)
    assert home.preview().outcome is (Outcome.BLOCKED if found else Outcome.PLANNED)
    return found


def answered(home: Home, **answers: RowAnswer) -> list[str]:
    """The steps of a run with answers, after which nothing is left to do."""
    shown = preview(home.context(), rows=answers.items())
    assert shown.plan is not None
    done = reconcile(home.context(), shown.plan, lambda *_: None, rows=answers.items())
    assert done.outcome is Outcome.DONE, done.detail
    assert home.preview().outcome is Outcome.NOTHING
    return headlines(shown.plan)
