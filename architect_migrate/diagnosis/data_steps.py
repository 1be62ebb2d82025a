"""Data steps and row statements of revisions: whether they are wanted, and what they wrote to is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.diagnosis.claims import Claim
from architect_migrate.diagnosis.diagnose import Verdict
from architect_migrate.model.compare import compare
from architect_migrate.model.diff import Differs, matters
from architect_migrate.model.facts import Fact, TriggerFact, ViewFact, facts_of
from architect_migrate.model.history import (
    effects,
    facts_at,
    is_of_rows,
    replays,
    row_statements,
    snapshots,
    writes_of,
)
from architect_migrate.model.revision_graph import ancestry

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    Only what they found then counts: its columns, their types, whether they take NULL, the views that they read and the
    triggers that they set off. New columns are no change.
    """
    replayed = replays(history)[revision]
    tables = replayed.reads.union(*(statement.writes | statement.reads for statement in row_statements(replayed)))
    now = facts_at(history, position)
    for its_key, once in facts_of(snapshots(history)[revision], tables).items():
        if its_key[0] in {"table", "column"} and _is_other(once, now.get(its_key)):
            return f"{_changed_by(history, position, revision, its_key)} changed {its_key[1]}"
    return _acts_otherwise(history, position, revision, tables)


def _acts_otherwise(history: History, position: frozenset[str], revision: str, tables: frozenset[str]) -> str:
    """Which view or trigger of these tables was another one when a revision's row statements ran; empty if none."""
    replayed = replays(history)[revision]
    written = writes_of(row_statements(replayed))
    until = ancestry(history.graph, (revision,))
    before, after, now = (
        _acting(facts_at(history, each), tables, written) for each in (until - {revision}, until, position)
    )
    first = min((at for at, each in enumerate(replayed.statements) if is_of_rows(each)), default=0)
    if before != after and any(each.verb in {"alter", "create", "drop"} for each in replayed.statements[first:]):
        return f"it makes or drops a view or trigger of {min(tables)} in between"
    if different := sorted(its_key for its_key in after.keys() | now.keys() if after.get(its_key) != now.get(its_key)):
        return f"the {different[0][0]} {different[0][-1]} was another one then, or was not there"
    return ""


def _acting(there: Mapping[Key, Fact], tables: frozenset[str], written: frozenset[str]) -> dict[Key, Fact]:
    """The views among some tables, and the triggers on those that are written."""
    return {
        its_key: fact
        for its_key, fact in there.items()
        if (isinstance(fact, ViewFact) and fact.view.name in tables)
        or (isinstance(fact, TriggerFact) and fact.trigger.table in written)
    }


def _changed_by(history: History, position: frozenset[str], revision: str, its_key: Key) -> str:
    """The first revision after another one that takes away or changes a fact."""
    order = history.graph.order
    later = (each for each in order[order.index(revision) + 1 :] if each in position)
    return next((each for each in later if its_key in effects(history)[each].removed), "a later revision")


def _is_other(once: Fact, now: Fact | None) -> bool:
    differences = compare(once, now) if now is not None else ()
    return now is None or (bool(differences) and matters(Differs(once, now, differences)))
