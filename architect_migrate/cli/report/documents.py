"""Results as the JSON documents that docs/json.md describes: stable keys, ids in full, nothing cut short."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from architect_migrate.cli.report.status import against
from architect_migrate.core.urls import mask
from architect_migrate.model.revision_graph import heads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from architect_migrate.diagnosis.diagnose import Judgement
    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.ledger.store import Entry
    from architect_migrate.model.revision_graph import Outline
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Receipt, Result, Survey

VERSION = 1
Json = dict[str, Any]


def document(command: str, exit_code: int, environments: Iterable[Json], **more: Any) -> str:
    """One document: the command, how it ends, and its environments."""
    whole = {"version": VERSION, "command": command, "exit_code": exit_code, **more, "environments": [*environments]}
    return json.dumps(whole, indent=2, ensure_ascii=False)


def error_document(command: str, exit_code: int, kind: str, message: str) -> str:
    """The document of a command that could not begin its work."""
    return document(command, exit_code, (), error={"type": kind, "message": mask(message)})


def seen_json(result: Result, outline: Outline, last: Entry | None = None) -> Json:
    """An environment as `status`, `pending` and `check` tell of it."""
    seen = result.survey
    told: Json = {"state": None, "heads": None, "position": None, "claims": None, "drift": None, "pending": None}
    if seen is not None:
        told = {
            "state": seen.state.name.lower(),
            "heads": [*heads(outline, seen.position)],
            "position": [it for it in outline.order if it in seen.position],
            "claims": _claims(seen),
            "drift": {it: seen.drift.get(it, 0) for it in ("breaking", "behavioural", "cosmetic", "extra", "kept")},
            "pending": [*seen.pending],
        }
    return {**_named(result), **told, "last_action": None if last is None else _entry(last)}


def diagnosed_json(result: Result, outline: Outline, findings: Iterable[Finding], only: str | None = None) -> Json:
    """An environment as `diagnose` tells of it; `only` leaves one revision."""
    judged = result.survey.diagnosis.judgements if result.survey and result.survey.diagnosis else ()
    told = seen_json(result, outline)
    del told["last_action"]
    return {
        **told,
        "revisions": [_judgement(it) for it in judged if only in {None, it.revision.id}],
        "findings": [_finding(it) for it in findings],
    }


def action_json(result: Result, outline: Outline, sql: Mapping[str, str]) -> Json:
    """An environment as `reconcile`, `upgrade` and `downgrade` tell of it; `sql` by environment."""
    seen, plan = result.survey, result.plan
    return {
        **_named(result),
        "outcome": result.outcome.name.lower(),
        "detail": mask(result.detail),
        "from": [*heads(outline, seen.position)] if seen else None,
        "to": [*heads(outline, plan.after)] if plan else ([*heads(outline, seen.position)] if seen else None),
        "plan": None if plan is None else _plan(plan, sql.get(result.environment)),
        "losses": [{"object": it.subject, "rows": it.rows} for it in result.losses],
        "receipt": None if result.receipt is None else _receipt(result.receipt),
        "warnings": [mask(it) for it in result.warnings],
        "rehearsal": result.rehearsal or None,
    }


def history_json(outline: Outline) -> list[Json]:
    """The chain, oldest first."""
    tops = heads(outline, frozenset(outline.order))
    return [
        {
            "revision": it.id,
            "parents": [*it.parents],
            "title": it.title,
            "legacy_version": it.legacy_version or None,
            "formerly": [*it.legacy_aliases],
            "data_step": it.data_step,
            "head": it.id in tops,
        }
        for it in outline.revisions
    ]


def _named(result: Result) -> Json:
    error = result.error
    problem = None if error is None else {"type": type(error).__name__, "message": mask(str(error))}
    return {"name": result.environment, "database": mask(result.database), "error": problem}


def _claims(seen: Survey) -> Json:
    told = against(seen)
    tracker = {"rows": told.rows, "false": told.false, "lacking": told.lacking}
    return {
        "stamp": None if seen.claims.stamp is None else [*seen.claims.stamp],
        "tracker": tracker if seen.claims.tracker else None,
        "untrue": [*seen.unsynced],
        "gaps": told.gaps,
    }


def _entry(entry: Entry) -> Json:
    return {
        "action": entry.action,
        "result": entry.result,
        "started_at": entry.started_at,
        "seconds": entry.seconds,
        "backup": entry.backup or None,
        "user": entry.user,
        "host": entry.host,
    }


def _judgement(it: Judgement) -> Json:
    from architect_migrate.model.diff import explain
    from architect_migrate.model.facts import describe

    return {
        "revision": it.revision.id,
        "title": it.revision.title,
        "legacy_version": it.revision.legacy_version or None,
        "claim": it.claim.value,
        "verdict": it.verdict.value,
        "present": [describe(fact) for fact in it.present],
        "missing": [describe(fact) for fact in it.absent],
        "differing": [{"object": describe(change.fact), "found": explain(change)} for change in it.differing],
        "lingering": [describe(fact) for fact in it.lingering],
    }


def _finding(it: Finding) -> Json:
    return {
        "level": it.level.value,
        "code": it.code,
        "subject": it.subject,
        "found": it.found,
        "advice": it.advice or None,
        "revision": it.revision or None,
        "resolve": it.entry or None,
    }


def _plan(plan: Plan, sql: str | None) -> Json:
    from architect_migrate.model.diff import explain
    from architect_migrate.planning.plan import headline

    steps = [
        {"kind": type(it).__name__, "revision": getattr(it, "revision", "") or None, "headline": headline(it)}
        for it in plan.steps
    ]
    kept = [
        {"found": explain(change), "by": str(why.origin), "reason": why.reason or None} for change, why in plan.kept
    ]
    return {"steps": steps, "blockers": [_finding(it) for it in plan.blockers], "kept": kept, "sql": sql}


def _receipt(it: Receipt) -> Json:
    return {
        "number": it.number or None,
        "stamp_before": [*it.came_from],
        "stamp_after": [*it.arrived_at],
        "seconds": round(it.seconds, 3),
        "backup": it.backup or None,
        "tables": it.tables,
        "rows": it.rows,
        "tables_compared": it.compared,
        "digests": dict(it.digests),
        "dangling_before": it.dangling[0],
        "dangling_after": it.dangling[1],
    }
