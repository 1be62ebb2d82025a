"""Backups as JSON, as docs/json.md describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from architect_migrate.cli.report.backup import taken_for
from architect_migrate.core.urls import mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.backups.prune import Pruned
    from architect_migrate.backups.record import Copy
    from architect_migrate.backups.restore_plan import Undoing
    from architect_migrate.backups.service import Verdict
    from architect_migrate.config.context import Setting
    from architect_migrate.core.errors import ArchmigError
    from architect_migrate.databases.sqlite.files.backup import Backup

Json = dict[str, Any]


def named_json(setting: Setting, error: ArchmigError | None = None) -> Json:
    """What every environment's object begins with."""
    problem = None if error is None else {"type": type(error).__name__, "message": mask(str(error))}
    return {"name": setting.environment.name, "database": mask(str(setting.environment.url)), "error": problem}


def copy_json(copy: Copy, purposes: Mapping[str, str]) -> Json:
    """One backup."""
    record = copy.record
    return {
        "path": str(copy.path),
        "taken_at": copy.taken_at.isoformat(),
        "taken_for": taken_for(copy, purposes) or None,
        "size": copy.size,
        "tables": len(record.content.tables) if record else None,
        "rows": record.content.rows if record else None,
        "digest": record.content.digest if record else None,
        "verified_at": record.checked_at if record else None,
        "problem": copy.problem or None,
    }


def made_json(made: Backup | None) -> Json | None:
    """A backup that was taken now; null where there was nothing to back up."""
    if made is None:
        return None
    return {"path": str(made.path), "size": made.size, "tables": made.tables, "rows": made.rows, "digest": made.digest}


def verdict_json(verdict: Verdict) -> Json:
    """What reading a backup as a whole came to."""
    recorded = verdict.copy.record is not None
    return {"path": str(verdict.copy.path), "problem": verdict.problem or None, "recorded": recorded}


def pruned_json(it: Pruned, removed: bool) -> Json:
    """A backup that is left over."""
    return {"path": str(it.copy.path), "removed": removed and it.removed, "kept_for": it.kept_for or None}


def going_back_json(undoing: Undoing) -> Json:
    """What restore and undo would do, or why undo does not."""
    it = undoing.restoration
    return {
        "backup": str(undoing.copy.path) if undoing.copy else None,
        "written_since": [*undoing.since],
        "damaged": (it.damaged or None) if it else None,
        "rows": [
            {
                "table": delta.table,
                "lacking": delta.lacking,
                "changed": delta.changed,
                "returning": delta.returning,
                "columns": dict(delta.columns),
                "gone": delta.gone,
                "exact": delta.exact,
            }
            for delta in (it.rows if it else ())
        ],
        "others": [*it.others] if it else [],
    }
