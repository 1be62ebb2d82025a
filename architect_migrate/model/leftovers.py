"""Leftovers: objects that the chain made and removed again, and a database still has; some still act on rows."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.model.compare import compare
from architect_migrate.model.diff import Extra, diff_of_facts
from architect_migrate.model.facts import (
    CheckFact,
    Fact,
    ForeignKeyFact,
    IndexFact,
    TriggerFact,
    UniqueFact,
    facts,
    key,
    table_of,
)
from architect_migrate.model.history import effects, facts_at, reference, replays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.model.diff import Change
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Key, Schema


# What acts on rows: an index does where it is unique.
_ACTING = TriggerFact | ForeignKeyFact | UniqueFact | CheckFact | IndexFact


def differences(
    history: History, position: frozenset[str], schema: Schema, found: Mapping[Key, Fact] | None = None
) -> tuple[Change, ...]:
    """Return every difference of a schema from the chain's at a position; `found` are its facts, if known.

    A trigger, or a constraint or unique index, that the position once had in exactly the existing shape is a harmful
    extra.
    """
    expected = reference(history, position), facts_at(history, position)
    changes = diff_of_facts(expected, (schema, facts(schema) if found is None else found))
    return tuple(_judged(history, position, change, expected[1]) for change in changes)


def _judged(history: History, position: frozenset[str], change: Change, expected: Mapping[Key, Fact]) -> Change:
    if not isinstance(change, Extra) or change.harmful or not _acts(change.fact):
        return change
    # A constraint of a table that is a leftover itself acts on no row of the chain's.
    if not isinstance(change.fact, TriggerFact) and ("table", table_of(change.fact)) not in expected:
        return change
    revision = _taken_back_by(history, position, change.fact)
    return replace(change, harmful=f"{revision} takes it back, and it still acts on rows") if revision else change


def _acts(fact: Fact) -> bool:
    return isinstance(fact, _ACTING) and (not isinstance(fact, IndexFact) or fact.index.unique)


def _taken_back_by(history: History, position: frozenset[str], fact: Fact) -> str:
    """Return the newest revision of a position that removes exactly this object; empty if none does."""
    ways = _acting(history).get(_ways_key(key(fact)), ())
    return next((name for name, shape in reversed(ways) if name in position and not compare(shape, fact)), "")


def _ways_key(its_key: Key) -> Key:
    """Foreign keys of the same columns to the same parent stand together."""
    return its_key[:4] if its_key[0] == "foreign key" else its_key


@lru_cache(maxsize=8)
def _acting(history: History) -> dict[Key, list[tuple[str, Fact]]]:
    """Return the objects that act on rows and that revisions remove, also if they make them, in replay order."""
    found: dict[Key, list[tuple[str, Fact]]] = {}
    for revision, effect in effects(history).items():
        passing = (TriggerFact(trigger) for trigger in replays(history)[revision].passing_triggers)
        for fact in (*effect.removed.values(), *passing):
            if _acts(fact):
                found.setdefault(_ways_key(key(fact)), []).append((revision, fact))
    return found
