"""Unique indexes and constraints that only the database has, and that refuse rows once pending revisions have run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.diff import Extra, change_key, judged_by, needs_repair
from architect_migrate.model.facts import IndexFact, UniqueFact, describe, facts
from architect_migrate.model.history import facts_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from architect_migrate.model.diff import Change
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Key, Schema


def refusing_later(
    history: History, changes: Iterable[Change], schema: Schema, after: frozenset[str], settled: Collection[Key]
) -> list[Extra]:
    """Return the extras that refuse no other rows than a key of the chain, which revisions up to `after` take away.

    Those whose keys are in `settled` are left out.
    """
    idle = [
        change
        for change in changes
        if isinstance(change, Extra) and isinstance(change.fact, IndexFact | UniqueFact) and not needs_repair(change)
    ]
    if not idle:
        return []
    expected, present = facts_at(history, after), facts(schema)
    later = (judged_by(change, expected, present) for change in idle if change_key(change) not in settled)
    return [change for change in later if needs_repair(change)]


def out_of_the_way(found: Iterable[Extra]) -> tuple[Finding, ...]:
    """Return why a run of the pending revisions alone would not leave what the chain makes."""
    advice = "run archmig reconcile instead: it runs the revisions too, and lets such rows in"
    return tuple(
        Finding(
            Level.BLOCKING, "refuses-later", describe(change.fact), f"after these revisions {change.harmful}", advice
        )
        for change in found
    )
