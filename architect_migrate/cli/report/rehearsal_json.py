"""Rehearsals as JSON objects: see docs/json.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from architect_migrate.cli.report.documents import action_json
from architect_migrate.core.urls import mask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.config.context import Setting
    from architect_migrate.core.errors import ArchmigError
    from architect_migrate.databases.sqlite.rows.delta import TableDelta
    from architect_migrate.model.revision_graph import Outline
    from architect_migrate.runs.rehearsal.results import Rehearsal, Roundtrip

Json = dict[str, Any]


def untold_json(setting: Setting, error: ArchmigError) -> Json:
    """An environment of which nothing could be found out."""
    problem = {"type": type(error).__name__, "message": mask(str(error))}
    return {"name": setting.environment.name, "database": mask(str(setting.environment.url)), "error": problem}


def rehearsal_json(its: Rehearsal, outline: Outline) -> Json:
    """An environment as `rehearse` tells of it."""
    told = {"rehearsed": its.command.value, **action_json(its.result, outline, {})}
    if told["receipt"]:
        del told["receipt"]["backup"]
    return {
        **told,
        "rehearsal": its.number or None,
        "seconds": round(its.seconds, 3),
        "timings": [{"part": it.what, "step": it.step or None, "seconds": round(it.seconds, 4)} for it in its.timings],
        "lock_seconds": round(its.lock, 3),
        "openers": [*its.openers],
        "size": {"before": its.size_before, "after": its.size_after, "backup": its.backup_size},
        "changes": changes_json(its.changes),
        "roundtrip": None if its.roundtrip is None else _roundtrip(its.roundtrip),
    }


def changes_json(changes: Iterable[TableDelta]) -> list[Json]:
    """What becomes of rows that were there."""
    return [
        {
            "table": it.table,
            "lost": it.lacking,
            "changed": it.changed,
            "columns": dict(it.columns),
            "gone": it.gone,
            "exact": it.exact,
        }
        for it in changes
    ]


def _roundtrip(its: Roundtrip) -> Json:
    return {
        "same": its.same,
        "seconds_back": round(its.back, 3),
        "seconds_again": round(its.again, 3),
        "differences": [*its.differences],
        "losses": [{"object": it.subject, "rows": it.rows} for it in its.losses],
        "failed": mask(its.failed) or None,
        "nothing": its.nothing,
    }
