"""The ledger as JSON: its entries, what speaks against it, and what is no longer as archmig left it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from architect_migrate.config.context import Setting
    from architect_migrate.ledger.external_changes import Notice
    from architect_migrate.ledger.store import Entry

Json = dict[str, Any]


def ledger_json(file: Path, every: Sequence[Entry], problem: str) -> Json:
    """The ledger as a whole; the newest hash is what somebody who keeps it elsewhere can compare later."""
    newest = every[-1].hash if every else ""
    return {"path": str(file), "entries": len(every), "hash": newest or None, "problem": problem or None}


def entry_json(it: Entry) -> Json:
    """All of an entry."""
    lists = {kind: [value for name, value in it.facts if name == kind] for kind in ("inferred", "forced")}
    return {
        "number": it.number,
        "environment": it.environment,
        "database": it.database,
        "action": it.action,
        "result": it.result,
        "started_at": it.started_at,
        "seconds": it.seconds,
        "from": [*it.from_heads],
        "to": [*it.to_heads],
        "executed": [*it.steps],
        **lists,
        "findings": [*it.findings],
        "detail": it.detail,
        "backup": it.backup or None,
        "user": it.user,
        "host": it.host,
        "command": it.command,
        "facts": [{"name": name, "value": value} for name, value in it.facts if name not in lists],
        "hash": it.hash or None,
    }


def notice_json(notice: Notice | None) -> Json | None:
    """What is no longer as archmig left it; null where all is."""
    if notice is None:
        return None
    return {
        "code": notice.code,
        "found": notice.found,
        "entry": notice.entry.number,
        "resembles": notice.resembles or None,
    }


def noticed_json(setting: Setting, notices: Mapping[str, Notice]) -> Json:
    """An environment with what is noticed of it."""
    name = setting.environment.name
    return {
        "name": name,
        "database": str(setting.environment.url),
        "error": None,
        "notice": notice_json(notices.get(name)),
    }
