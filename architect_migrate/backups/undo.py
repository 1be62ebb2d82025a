"""Undo: back to before the last run of archmig on a database, if nothing else has written since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.backups.restore import preview
from architect_migrate.backups.restore_plan import Undoing
from architect_migrate.backups.service import catalogue, content_now
from architect_migrate.core.database_errors import RestoreError
from architect_migrate.core.errors import LedgerError
from architect_migrate.databases.values import Content, differences
from architect_migrate.ledger import store

if TYPE_CHECKING:
    from architect_migrate.backups.record import Copy
    from architect_migrate.config.context import EnvironmentContext

# What the ledger says of an action that changed a database without a backup: it built it.
_BUILDERS = frozenset({"reconcile", "upgrade", "backup restore", "undo"})


def preview_undo(context: EnvironmentContext) -> Undoing:
    """Find the last run that is in effect. Raises RestoreError for one that built the database, and as `preview`.

    A run whose backup is what the database holds did not commit, or was undone, and does not count; an undo is a run.
    """
    found = [each for each in catalogue(context) if each.record and each.record.after]
    _refuse_built(context, found)
    if not found:
        return Undoing(None)
    now = content_now(context)
    for copy in reversed(found):
        before, after = _record(copy)
        if not differences(after, now):
            return Undoing(copy, preview(context, copy))
        if differences(before, now):
            return Undoing(copy, since=differences(after, now))
    return Undoing(found[-1])


def _record(copy: Copy) -> tuple[Content, Content]:
    assert copy.record is not None
    assert copy.record.after is not None
    return copy.record.content, copy.record.after


def _refuse_built(context: EnvironmentContext, found: list[Copy]) -> None:
    """A run that made the database from nothing has nothing to go back to."""
    try:
        entries = [entry for entry in store.entries(context.ledger) if _made_something(context, entry)]
    except LedgerError:
        return
    if (
        entries
        and not entries[-1].backup
        and not any(copy.taken_at.isoformat() >= entries[-1].started_at for copy in found)
    ):
        problem = f"the last run ({entries[-1].action}, {entries[-1].started_at[:19]}) built it from nothing"
        raise RestoreError(str(context.environment.url), problem, "nothing was changed: there is nothing to go back to")


def _made_something(context: EnvironmentContext, entry: store.Entry) -> bool:
    mine = entry.environment == context.environment.name and entry.database == str(context.environment.url)
    return mine and entry.result == "done" and entry.action in _BUILDERS
