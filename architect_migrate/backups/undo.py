"""Undo: restores the state before archmig's last run on a database, if nothing has written since."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.backups.restore import preview
from architect_migrate.backups.restore_plan import Undoing
from architect_migrate.backups.service import catalogue, complete, content_now, verify
from architect_migrate.core.database_errors import RestoreError
from architect_migrate.core.errors import LedgerError
from architect_migrate.databases.values import differences
from architect_migrate.ledger import store

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.backups.record import Copy
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.values import Content

# The actions that change a database; one of them without a backup built the database.
_BUILDERS = frozenset({"reconcile", "upgrade", "backup restore", "undo"})


def preview_undo(context: EnvironmentContext) -> Undoing:
    """Plan the undo of the last run that is in effect. Raises RestoreError if that run built the database.

    A run does not count if the database equals its backup: it did not commit, or was undone. An undo is itself a run.
    Raises also as `preview`.
    """
    marked = [each for each in catalogue(context) if each.record and each.record.after]
    _refuse_built(context, marked)
    if not marked:
        return Undoing(None)
    now = content_now(context)
    for copy in reversed(marked):
        before, after = _record(copy)
        if not (since := differences(after(), now)):
            return Undoing(copy, since=_missed(copy)) if _missed(copy) else Undoing(copy, preview(context, copy))
        if differences(before(), now):
            return Undoing(copy, since=tuple(map(str, since)))
    return Undoing(marked[-1])


def _missed(copy: Copy) -> tuple[str, ...]:
    """What others may have written after the backup was made, which then does not have it."""
    assert copy.record is not None
    return tuple(
        f"{each}: may have been written after the backup was made, before the run" for each in copy.record.missed
    )


def _record(copy: Copy) -> tuple[Callable[[], Content], Callable[[], Content]]:
    """The contents before the run and after it. Raises RestoreError if they have to be read from a backup that changed.

    Why functions: to read a backup takes long, and the first content is rarely needed.
    """
    assert copy.record is not None
    assert copy.record.after is not None
    if copy.record.file and (problem := verify(copy).problem):
        raise RestoreError(str(copy.path), problem, "nothing was changed: choose another backup")
    return partial(complete, copy.path, copy.record.content), partial(complete, copy.path, copy.record.after)


def _refuse_built(context: EnvironmentContext, marked: list[Copy]) -> None:
    """Raise RestoreError if the last run built the database, since there is no earlier state to restore."""
    try:
        everything = store.entries(context.ledger)
        entries = [entry for entry in everything if _made_something(context, entry)]
        # Why these are left out: their place in the ledger says more than their time, which the clock may have changed.
        recorded = {Path(entry.backup) for entry in everything if entry.backup}
    except LedgerError:
        return
    if (
        entries
        and not entries[-1].backup
        and not any(copy.taken_at.isoformat() >= entries[-1].started_at for copy in marked if copy.path not in recorded)
    ):
        problem = f"the last run ({entries[-1].action}, {entries[-1].started_at[:19]}) built the database"
        raise RestoreError(str(context.environment.url), problem, "nothing was changed: there is no earlier state")


def _made_something(context: EnvironmentContext, entry: store.Entry) -> bool:
    """Whether a run has committed something; the entry of one that failed names a backup only if it has."""
    same = entry.environment == context.environment.name and entry.database == str(context.environment.url)
    return same and entry.action in _BUILDERS and (entry.result == "done" or bool(entry.backup))
