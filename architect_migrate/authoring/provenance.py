"""Where the objects of a schema come from: which revision brought each, and which changed it."""

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


class Deed(Enum):
    """What a revision did to a thing."""

    BROUGHT = "brings"
    CHANGED = "changes"
    REMOVED = "removes"


@dataclass(frozen=True, slots=True)
class Origin:
    """The revision that brought a thing as it is known today, and those that changed it since, in chain order."""

    brought: str
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One revision's deeds on one table (or view), in the order of the schema; what it removes comes last."""

    revision: str
    deeds: tuple[tuple[Deed, Fact], ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Of a position of a chain: the origin of each thing that is there, and what befell each table and view."""

    origins: Mapping[Key, Origin]
    events: Mapping[str, tuple[Event, ...]]


@lru_cache(maxsize=8)
def provenance(history: History, position: frozenset[str]) -> Provenance:
    """Where everything at a position comes from. A thing that goes and comes back is brought by the later revision."""
    origins: dict[Key, Origin] = {}
    events: dict[str, list[Event]] = {}
    for revision, effect in effects(history).items():
        if revision not in position:
            continue
        told: dict[str, list[tuple[Deed, Fact]]] = {}
        for deed, its_key, fact in _deeds(effect):
            _enter(origins, deed, its_key, revision)
            told.setdefault(owner(fact), []).append((deed, fact))
        for name, deeds in told.items():
            events.setdefault(name, []).append(Event(revision, tuple(deeds)))
    return Provenance(origins, {name: tuple(one) for name, one in events.items()})


def _deeds(its: Effects) -> Iterator[tuple[Deed, Key, Fact]]:
    for its_key, fact in its.added.items():
        yield (Deed.CHANGED if its_key in its.removed else Deed.BROUGHT), its_key, fact
    for its_key, fact in its.removed.items():
        if its_key not in its.added:
            yield Deed.REMOVED, its_key, fact


def _enter(origins: dict[Key, Origin], deed: Deed, its_key: Key, revision: str) -> None:
    match deed:
        case Deed.BROUGHT:
            origins[its_key] = Origin(revision)
        case Deed.CHANGED:
            before = origins.get(its_key, Origin(revision))
            origins[its_key] = replace(before, changed=(*before.changed, revision))
        case Deed.REMOVED:
            origins.pop(its_key, None)
