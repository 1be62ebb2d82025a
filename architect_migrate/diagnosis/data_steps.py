"""Data steps and row statements of revisions: whether they are wanted, and what they wrote to is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.diagnosis.claims import Claim
from architect_migrate.diagnosis.diagnose import Verdict
from architect_migrate.model.compare import compare
from architect_migrate.model.diff import Differs, matters
from architect_migrate.model.facts import Fact, facts_of
from architect_migrate.model.history import effects, facts_at, replays, row_statements, snapshots

if TYPE_CHECKING:
    from architect_migrate.diagnosis.diagnose import Judgement
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Key


def lasts(history: History, position: frozenset[str], revision: str) -> bool:
    """Whether all that a revision wrote to lasts: rows for what later revisions remove need not be brought."""
    writes = replays(history)[revision].writes
    once = (k for k in facts_of(snapshots(history)[revision], writes) if k[0] in {"table", "column"})
    expected = facts_at(history, position)
    return all(k in expected for k in once)


def wants_data_step(judgement: Judgement) -> bool:
    """Whether a revision's rows may be missing: unless it was run by Alembic, or the tracker and the schema agree."""
    if not judgement.revision.data_step:
        return False
    if judgement.claim is Claim.STAMPED:
        return bool(judgement.absent)
    return not (judgement.claim is Claim.EXECUTED and judgement.verdict is Verdict.APPLIED)


def changed_since(history: History, position: frozenset[str], revision: str) -> str:
    """What a later revision did to a table that the row statements of a revision write or read; empty if nothing.

    Only what they found then counts: its columns, their types, whether they take NULL. New columns are no change.
    """
    replayed = replays(history)[revision]
    tables = replayed.reads.union(*(statement.writes | statement.reads for statement in row_statements(replayed)))
    now = facts_at(history, position)
    for its_key, once in facts_of(snapshots(history)[revision], tables).items():
        if its_key[0] in {"table", "column"} and _is_other(once, now.get(its_key)):
            return f"{_changed_by(history, position, revision, its_key)} changed {its_key[1]}"
    return ""


def _changed_by(history: History, position: frozenset[str], revision: str, its_key: Key) -> str:
    """The first revision after another one that takes away or changes a fact."""
    order = history.graph.order
    later = (each for each in order[order.index(revision) + 1 :] if each in position)
    return next((each for each in later if its_key in effects(history)[each].removed), "a later revision")


def _is_other(once: Fact, now: Fact | None) -> bool:
    differences = compare(once, now) if now is not None else ()
    return now is None or (bool(differences) and matters(Differs(once, now, differences)))
