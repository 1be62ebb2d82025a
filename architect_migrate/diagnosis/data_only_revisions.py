"""Revisions that write rows, change nothing in the schema, and have no data step that could be called by itself.

The schema cannot say whether one ran; where no claim says so either, running it again is the only way to be sure. That
is safe for one that only inserts and updates rows of tables that last. One that deletes rows or moves tables about was
written for the schema of its own day, and would take away what came since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.diagnosis.claims import Claim
from architect_migrate.diagnosis.diagnose import Verdict
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.facts import facts
from architect_migrate.model.history import reference, snapshots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.diagnosis.diagnose import Diagnosis, Judgement
    from architect_migrate.model.history import History

_BRINGS = frozenset({"insert", "replace", "update"})
_SHOWN = 60


def must_run(history: History, diagnosis: Diagnosis, judgement: Judgement) -> bool:
    """Whether a silent revision is run, though it may have run before."""
    revision = judgement.revision.id
    silent = _is_silent(history, judgement)
    return silent and lasts(history, diagnosis.position, revision) and not _rest(history, revision)


def left_alone(history: History, diagnosis: Diagnosis) -> Iterator[Finding]:
    """What is told of the silent revisions that are not run again."""
    for judgement in diagnosis.judgements:
        revision = judgement.revision.id
        if revision not in diagnosis.position or not _is_silent(history, judgement):
            continue
        if (rest := _rest(history, revision)) and lasts(history, diagnosis.position, revision):
            text = " ".join(rest.split())
            shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
            found = f"nothing tells whether it ran; taken as run, since it does more than bring rows: {shown}"
            advice = "run its statements by hand if the rows show that it never did"
            yield Finding(Level.WARNING, "rows-untold", revision, found, advice, revision)


def _is_silent(history: History, judgement: Judgement) -> bool:
    at = history.graph.order.index(judgement.revision.id)
    unseen = judgement.verdict is Verdict.UNKNOWN and bool(history.replayed[at].writes)
    return unseen and not judgement.revision.data_step and judgement.claim in {Claim.NONE, Claim.SKIPPED}


def lasts(history: History, position: frozenset[str], revision: str) -> bool:
    """Whether all that a revision wrote to lasts: rows for what later revisions remove are nobody's loss."""
    writes = history.replayed[history.graph.order.index(revision)].writes
    once = (k for k in facts(snapshots(history)[revision]) if k[0] in {"table", "column"} and k[1] in writes)
    expected = facts(reference(history, position))
    return all(k in expected for k in once)


def _rest(history: History, revision: str) -> str:
    """The first statement of a revision that does anything but bring rows; empty where there is none."""
    statements = history.replayed[history.graph.order.index(revision)].statements
    return next((statement.text for statement in statements if statement.verb not in _BRINGS), "")
