"""The parts of environments.toml that say how something is treated: policies, tracker, notification, variables."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

from architect_migrate.config.toml_reader import (
    Table,
    boolean,
    choice,
    known_keys,
    number,
    one_line,
    optional_string,
    shown,
    string,
    strings,
)
from architect_migrate.model.environment import Notify, Policies, Tracker

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICIES = tuple(it.name for it in fields(Policies))
_TRACKER = ("applied_at", "checksum", "description", "skipped", "sync", "table", "version")
_DAY = 86_400
_AGE = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_AGE_SECONDS = {"h": 3_600, "d": _DAY, "w": 7 * _DAY}
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})?")


def read_policies(table: Table, inherited: Policies) -> Policies:
    """The policies of [defaults] or of an environment, over those that it inherits. Raises ConfigError."""
    if {"target", "heads"} <= table.values.keys():
        raise table.error("heads", "is given beside target", "give it one of them")
    heads = strings(table, "heads")
    if heads == ():
        raise table.error("heads", "is empty", 'name branches or revisions: ["head", "dev"]')
    usual = () if "target" in table.values else inherited.heads
    return Policies(
        uninitialised=choice(table, "uninitialised", inherited.uninitialised),
        protected=boolean(table, "protected", inherited.protected),
        repair=choice(table, "repair", inherited.repair),
        target=string(table, "target", inherited.target),
        heads=usual if heads is None else heads,
        lock_timeout=number(table, "lock_timeout", inherited.lock_timeout, most=_DAY),
        on_pending=choice(table, "on_pending", inherited.on_pending),
        require_rehearsal=boolean(table, "require_rehearsal", inherited.require_rehearsal),
        rehearsal_max_age=age(table, "rehearsal_max_age") or inherited.rehearsal_max_age,
    )


def read_tracker(table: Table) -> Tracker:
    """The [tracker] table."""
    known_keys(table, _TRACKER)
    usual = Tracker()
    marks = strings(table, "skipped")
    return Tracker(
        table=string(table, "table", usual.table),
        version=string(table, "version", usual.version),
        applied_at=string(table, "applied_at", usual.applied_at),
        description=string(table, "description", usual.description),
        checksum=string(table, "checksum", usual.checksum),
        skipped=usual.skipped if marks is None else marks,
        sync=boolean(table, "sync", usual.sync),
    )


def read_notify(table: Table, environ: Mapping[str, str]) -> Notify:
    """The [notify] table; what its webhook holds is a secret."""
    known_keys(table, ("command", "webhook"))
    webhook, command = optional_string(table, "webhook"), strings(table, "command") or ()
    if not webhook and not command:
        raise table.error("", "tells nobody", 'give it webhook = "https://..." or command = ["..."]')
    address = expanded(table, "webhook", webhook, environ) if webhook else ""
    if address and not address.startswith(("http://", "https://")):
        raise table.error("webhook", "is no http or https URL", 'write webhook = "https://..."')
    return Notify(address, command)


def age(table: Table, key: str) -> int | None:
    """An age in seconds; None where there is none."""
    text = optional_string(table, key)
    if text is None:
        return None
    match = _AGE.fullmatch(text)
    if match is None:
        raise table.error(key, f"{shown(text)} is not an age", 'write "12h", "30d" or "8w"')
    return int(match[1]) * _AGE_SECONDS[match[2]]


def expanded(table: Table, key: str, text: str, environ: Mapping[str, str]) -> str:
    """The text with its variables filled in; what they hold is not expanded again."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        if match["name"] is None:
            raise table.error(key, "a lone $", "${NAME} is a variable, $$ a dollar")
        found = environ.get(match["name"]) or match["default"]
        if found is None or (not found and match["default"] is None):
            name = match["name"]
            raise table.error(key, f"the variable {name} is not set", f"set it, or write ${{{name}:-default}}")
        return found

    filled = _VARIABLE.sub(value, text)
    if not filled.strip() or not one_line(filled):
        raise table.error(key, "is empty or holds a control character", "look at its variables")
    return filled
