"""Provenance of a schema's objects: the revision that added each, and those that changed it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.model.facts import owner
from architect_migrate.model.history import effects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.model.facts import Fact
    from architect_migrate.model.history import Effects, History
    from architect_migrate.model.schema import Key


class Action(Enum):
    """Action of a revision on an object."""

    BROUGHT = "brings"
    CHANGED = "changes"
    REMOVED = "removes"


@dataclass(frozen=True, slots=True)
class Origin:
    """The revision that added an object, and those that changed it since, in chain order."""

    brought: str
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Actions of one revision on one table or view, in the order of the schema, removals last."""

    revision: str
    deeds: tuple[tuple[Action, Fact], ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Provenance at a position of a chain: the origin of each object, and the events of each table and view."""

    origins: Mapping[Key, Origin]
    events: Mapping[str, tuple[Event, ...]]


@lru_cache(maxsize=8)
def provenance(history: History, position: frozenset[str]) -> Provenance:
    """Return the provenance at a position. An object that was removed and added again comes from the later revision."""
    origins: dict[Key, Origin] = {}
    events: dict[str, list[Event]] = {}
    for revision, effect in effects(history).items():
        if revision not in position:
            continue
        by_owner: dict[str, list[tuple[Action, Fact]]] = {}
        for deed, its_key, fact in _deeds(effect):
            _enter(origins, deed, its_key, revision)
            by_owner.setdefault(owner(fact), []).append((deed, fact))
        for name, deeds in by_owner.items():
            events.setdefault(name, []).append(Event(revision, tuple(deeds)))
    return Provenance(origins, {name: tuple(one) for name, one in events.items()})


def _deeds(effect: Effects) -> Iterator[tuple[Action, Key, Fact]]:
    for its_key, fact in effect.added.items():
        yield (Action.CHANGED if its_key in effect.removed else Action.BROUGHT), its_key, fact
    for its_key, fact in effect.removed.items():
        if its_key not in effect.added:
            yield Action.REMOVED, its_key, fact


def _enter(origins: dict[Key, Origin], deed: Action, its_key: Key, revision: str) -> None:
    match deed:
        case Action.BROUGHT:
            origins[its_key] = Origin(revision)
        case Action.CHANGED:
            before = origins.get(its_key, Origin(revision))
            origins[its_key] = replace(before, changed=(*before.changed, revision))
        case Action.REMOVED:
            origins.pop(its_key, None)
