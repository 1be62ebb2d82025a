"""Judges what triggers write in a run: those of the chain, those that an entry keeps, and the database's own."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.databases.registry import dialect
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.resolutions import is_kept
from architect_migrate.model.facts import TriggerFact
from architect_migrate.model.history import snapshots

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.values import TriggerWrite

OWN_TRIGGER = "own-trigger"


@dataclass(frozen=True, slots=True)
class Triggered:
    """The writes of triggers: `permitted` are those of the chain or kept by an entry, `refused` may change rows."""

    permitted: frozenset[TriggerWrite]
    refused: frozenset[TriggerWrite]


def judged(context: EnvironmentContext, writes: Collection[TriggerWrite], changed: Collection[str]) -> Triggered:
    """Separate the writes of triggers.

    A trigger is the chain's only with a text of the chain's. One of the database's own may insert rows, as into a log,
    but neither update nor delete any, nor change or leave out those that a revision writes, nor insert into a table of
    which the run may change rows (`changed`): a row that it replaces there would count as the run's doing. What it sets
    off is judged like itself.
    """
    if not writes:
        return Triggered(frozenset(), frozenset())
    triggers = {write.sql: write.read or dialect.trigger_of(write) for write in writes}
    of_chain = {trigger for schema in snapshots(context.history).values() for trigger in schema.triggers}
    kept = {sql for sql, trigger in triggers.items() if is_kept(TriggerFact(trigger), context.resolutions)}
    strange = {sql for sql, trigger in triggers.items() if trigger not in of_chain and sql not in kept}
    while True:
        reached = {write.table for write in writes if write.sql in strange and write.verb != "filter"}
        more = {sql for sql, trigger in triggers.items() if trigger.table in reached} - strange - kept
        if not more:
            break
        strange |= more
    theirs = {write.table for write in writes if write.sql not in strange and write.verb in {"update", "delete"}}
    changed = {*changed, *theirs}
    refused = {write for write in writes if write.sql in strange and (write.verb != "insert" or write.table in changed)}
    return Triggered(frozenset(write for write in writes if write.sql not in strange), frozenset(refused))


def problems(refused: Iterable[TriggerWrite]) -> list[str]:
    """A line for each trigger whose writes are refused."""
    return [
        f"trigger {trigger}, which is not the chain's, {does}: drop it, or permit that with a [[resolve]] entry of "
        f"trigger = {json.dumps(trigger)} and keep = true"
        for trigger, does in _told(refused)
    ]


def blockers(refused: Iterable[TriggerWrite]) -> tuple[Finding, ...]:
    """Block a plan for each trigger whose writes would be refused."""
    return tuple(
        Finding(
            Level.BLOCKING,
            OWN_TRIGGER,
            f"trigger {trigger}",
            f"is not the chain's, and {does} while the plan runs",
            "drop it, or permit what it does: add this to environments.toml",
            entry="\n".join(["[[resolve]]", f"trigger = {json.dumps(trigger)}", "keep = true"]),
        )
        for trigger, does in _told(refused)
    )


def _told(refused: Iterable[TriggerWrite]) -> Iterator[tuple[str, str]]:
    """Each trigger with what it does to rows."""
    does: dict[str, set[str]] = defaultdict(set)
    for write in refused:
        of = f"{write.table}.{write.column}" if write.column else f"rows of {write.table}"
        match write.verb:
            case "insert":
                does[write.trigger].add(f"inserts into {write.table}")
            case "filter":
                does[write.trigger].add(f"may change or leave out rows that are written to {write.table}")
            case verb:
                does[write.trigger].add(f"{verb}s {of}")
    for trigger in sorted(does):
        yield trigger, " and ".join(sorted(does[trigger]))
