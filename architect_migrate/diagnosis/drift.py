"""Which differences of a database count as drift: those that matter, less those that a person allowed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from architect_migrate.diagnosis.resolutions import keeper, unsettled
from architect_migrate.model.diff import Extra, Missing, Reordered, explain, needs_repair, severity
from architect_migrate.model.facts import TableFact, describe, key, table_of
from architect_migrate.model.history import effects
from architect_migrate.model.leftovers import differences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.model.diff import Change
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Schema


def drift(
    history: History, position: frozenset[str], actual: Schema, resolutions: Iterable[Resolution]
) -> tuple[Change, ...]:
    """The breaking and behavioural differences from the chain at a position that no [[resolve]] entry allows.

    Of a table that is missing as a whole, its parts are not told one by one.
    """
    settled = tuple(resolutions)
    left = (unsettled(change, settled) for change in differences(history, position, actual))
    return _condensed(change for change in left if change is not None and needs_repair(change))


def let_stand(changes: Iterable[Change], resolutions: Iterable[Resolution]) -> tuple[tuple[Change, Resolution], ...]:
    """The breaking and behavioural ones of some changes that a [[resolve]] entry allows, each with its entry."""
    entries = tuple(resolutions)
    return tuple((change, entry) for change in changes if needs_repair(change) and (entry := keeper(change, entries)))


def to_repair(changes: Iterable[Change], resolutions: Iterable[Resolution]) -> tuple[Change, ...]:
    """The breaking and behavioural ones of some changes that no [[resolve]] entry allows."""
    entries = tuple(resolutions)
    return tuple(change for change in changes if needs_repair(change) and not keeper(change, entries))


def by_severity(changes: Iterable[Change], standing: Iterable[tuple[Change, Resolution]]) -> Counter[str]:
    """How many changes of each severity there are; those that an entry allows count as "kept" instead."""
    kept = [change for change, _ in standing]
    counted = Counter(severity(change).value for change in changes if change not in kept)
    counted["kept"] = len(kept)
    return counted


def in_the_way(
    history: History, position: frozenset[str], actual: Schema, resolutions: Iterable[Resolution]
) -> tuple[str, ...]:
    """Why the revisions after a position can fail, a line each: drift, and what they make that is there already."""
    later = {k for revision, effect in effects(history).items() if revision not in position for k in effect.added}
    found = differences(history, position, actual)
    early = _condensed(
        difference for difference in found if isinstance(difference, Extra) and key(difference.fact) in later
    )
    already = tuple(f"{describe(name.fact)} is there already" for name in early if isinstance(name, Extra))
    return already + tuple(explain(change) for change in drift(history, position, actual, resolutions))


def _condensed(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes without the parts of tables that are missing, or too many, as a whole."""
    found = tuple(changes)
    whole = {
        change.fact.table
        for change in found
        if isinstance(change, Missing | Extra) and isinstance(change.fact, TableFact)
    }
    return tuple(
        change
        for change in found
        if isinstance(change, Reordered) or isinstance(change.fact, TableFact) or table_of(change.fact) not in whole
    )
