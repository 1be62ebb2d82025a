"""Detection of changes from outside: a database that is no longer as the last run of archmig left it."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from architect_migrate.core.secrets import mask
from architect_migrate.ledger import store
from architect_migrate.planning.results import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from architect_migrate.ledger.store import Entry
    from architect_migrate.planning.results import Fingerprint, Result

    # An environment's name, its URL, its stamp and its fingerprint (None: there is no database).
    Standing = tuple[str, str, tuple[str, ...], Fingerprint | None]


# The fact that every entry has which recorded a fingerprint.
_LEFT = "schema after"


@dataclass(frozen=True, slots=True)
class ExternalChange:
    """An environment that is not as the run of `entry` left it.

    `code` is a stable word: `gone`, `restored`, `schema-changed`, `stamp-changed`, `file-replaced` or `rows-older`.
    `resembles` is the number of the entry whose state before or after the database matches (0: none).
    """

    code: str
    found: str
    entry: Entry
    resembles: int = 0

    def __str__(self) -> str:
        return f"not as {entry_name(self.entry)} left it: {self.found}"


def external_changes_since(
    file: Path, results: Iterable[Result], newest: Mapping[str, Entry], began: float
) -> dict[str, ExternalChange]:
    """Return, by environment, the external changes since the ledger's last entry, for environments with a survey.

    `newest` are the newest entries, read after the databases; `began` is when the surveys began (time.time()).
    Nothing is reported for an environment if a run on it ended after `began`, if it was not read, or if the ledger
    has no fingerprint of it. Raises LedgerError.
    """
    seen = [
        (result.environment, result.database, survey.claims.stamp or (), survey.fingerprint)
        for result, survey in ((result, result.survey) for result in results)
        if survey and (survey.fingerprint or survey.state in EMPTY)
    ]
    return external_change_of(file, seen, newest, began)


def external_change_of(
    file: Path, standing: Sequence[Standing], newest: Mapping[str, Entry], began: float
) -> dict[str, ExternalChange]:
    """Return the same as `external_changes_since` for stamps and fingerprints. Raises LedgerError."""
    changes: dict[str, ExternalChange | None] = {}
    left = {name: each for name, each in newest.items() if each.fact(_LEFT)}
    if unsure := [name for name, *_ in standing if name in newest and name not in left]:
        left |= store.latest(file, unsure, _LEFT)
    for name, database, stamp, fingerprint in standing:
        entry = left.get(name)
        # Why: an entry of another database under the same name says nothing about this one.
        if entry and entry.database == mask(database):
            # Why errors are ignored: an entry edited by hand may hold anything; `store.problem` reports that.
            with suppress(ValueError, TypeError, AttributeError):
                ended = datetime.fromisoformat(entry.started_at).timestamp() + entry.seconds
                # Why the second: after the clock was set back, a run of the past seems to end in the future.
                over = ended < began or ended > time.time() + 1
                changes[name] = _external_change(file, entry, stamp, fingerprint) if over else None
    return {name: change for name, change in changes.items() if change}


def _external_change(
    file: Path, entry: Entry, stamp: tuple[str, ...], fingerprint: Fingerprint | None
) -> ExternalChange | None:
    if fingerprint is None:
        return ExternalChange("gone", "the database is missing or empty", entry) if entry.to_heads else None
    if json.loads(entry.fact("schema leaves out")) != list(fingerprint.without):
        return None  # environments.toml names another tracker now, so the digests cover different tables
    same_schema, same_stamp = fingerprint.schema == entry.fact(_LEFT), set(stamp) == set(entry.to_heads)
    if same_schema and same_stamp:
        return _older(entry, fingerprint)
    entries = [
        each for each in store.entries(file) if (each.environment, each.database) == (entry.environment, entry.database)
    ]
    if past := _past(entries, entry, fingerprint, stamp):
        return ExternalChange("restored", f"it matches {past[0]}: a restore from elsewhere?", entry, past[1])
    if same_schema:
        was, now = (", ".join(one) or "none" for one in (entry.to_heads, stamp))
        return ExternalChange("stamp-changed", f"the stamp was {was} and is {now}, changed from outside", entry)
    return ExternalChange("schema-changed", "its schema was changed from outside", entry)


def _past(
    entries: Sequence[Entry], entry: Entry, fingerprint: Fingerprint, stamp: tuple[str, ...]
) -> tuple[str, int] | None:
    """Describe the newest recorded state that a database matches, and return its entry's number; None if none."""
    for each in reversed(entries):
        moments = (("after", each.to_heads), ("before", each.from_heads))
        for when, heads in moments if each.number != entry.number else moments[1:]:
            if each.fact(f"schema {when}") == fingerprint.schema and set(heads) == set(stamp):
                run = "that run" if each.number == entry.number else entry_name(each)
                return f"the state {when} {run}", each.number
    return None


def _older(entry: Entry, fingerprint: Fingerprint) -> ExternalChange | None:
    """Return the change of a file with the same schema that is older or another one.

    Why these counts: SQLite never decreases the highest AUTOINCREMENT id or the schema counter of a file.
    """
    highest = dict(fingerprint.highest)
    for table, before in json.loads(entry.fact("highest ids after")).items():
        if (now := highest.get(table, 0)) < before:
            why = "older rows from a restore, or a recreated table?"
            return ExternalChange(
                "rows-older", f"the highest id of {table} was {before:,} and is {now:,}: {why}", entry
            )
    if fingerprint.counter < (before := int(entry.fact("schema counter after"))):
        changes = f"its schema has been changed {fingerprint.counter:,} times, that of the other file {before:,} times"
        return ExternalChange("file-replaced", f"another file has replaced it ({changes})", entry)
    return None


def entry_name(entry: Entry) -> str:
    """Return the short name of an entry: `reconcile 17 of 2026-11-25 10:16`."""
    return f"{entry.action} {entry.number} of {entry.started_at[:16].replace('T', ' ')}"
