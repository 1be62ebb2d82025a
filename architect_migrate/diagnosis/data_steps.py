"""Data steps of revisions: whether what they wrote to is still there at a position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.model.facts import facts
from architect_migrate.model.history import reference, replays, snapshots

if TYPE_CHECKING:
    from architect_migrate.model.history import History


def lasts(history: History, position: frozenset[str], revision: str) -> bool:
    """Whether all that a revision wrote to lasts: rows for what later revisions remove need not be brought."""
    writes = replays(history)[revision].writes
    once = (k for k in facts(snapshots(history)[revision]) if k[0] in {"table", "column"} and k[1] in writes)
    expected = facts(reference(history, position))
    return all(k in expected for k in once)
