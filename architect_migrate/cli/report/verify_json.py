"""Audits as JSON objects: see docs/json.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from architect_migrate.core.urls import mask
from architect_migrate.model.revision_graph import heads

if TYPE_CHECKING:
    from architect_migrate.databases.sqlite.rows.foreign_keys import Keys
    from architect_migrate.model.revision_graph import Outline
    from architect_migrate.runs.rehearsal.verify import Audit, DataSteps

Json = dict[str, Any]


def audit_json(its: Audit, outline: Outline) -> Json:
    """An environment as `verify` tells of it."""
    seen = its.survey
    return {
        "name": its.environment,
        "database": mask(its.database),
        "error": None,
        "sound": its.sound,
        "why": its.why or None,
        "state": seen.state.name.lower() if seen else None,
        "heads": [*heads(outline, seen.position)] if seen else None,
        "stamp": None if seen is None or seen.claims.stamp is None else [*seen.claims.stamp],
        "pending": [*seen.pending] if seen else None,
        "drift": [*its.drift],
        "damage": [*its.damage],
        "broken": [{"what": line, "rows": number} for line, number in its.broken],
        "dangling": None if its.keys is None else _dangling(its.keys),
        "keys_untold": None if its.keys is None else [{"table": it, "why": why} for it, why in its.keys.untold],
        "data_steps": None if its.data is None else _data_steps(its.data),
        "seconds": round(its.seconds, 3),
    }


def _dangling(keys: Keys) -> list[Json]:
    return [{"table": it.table, "parent": it.parent, "rows": it.rows, "rowids": [*it.rowids]} for it in keys.dangling]


def _data_steps(data: DataSteps) -> Json:
    lacking = [
        {
            "revision": it.revision,
            "table": it.table,
            "rows": it.rows,
            "changed": it.changed,
            "examples": [*it.examples],
        }
        for it in data.lacking
    ]
    failed = [{"revision": revision, "why": why} for revision, why in data.failed]
    return {"asked": [*data.asked], "outlived": [*data.outlived], "lacking": lacking, "failed": failed}
