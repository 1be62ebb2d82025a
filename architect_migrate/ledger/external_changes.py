"""What the ledger gives away of a database: that it is no longer as the last run of archmig left it."""

from __future__ import annotations

import json
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

    # What an environment is called, its URL, its stamp and its traces (None: nothing is there).
    Standing = tuple[str, str, tuple[str, ...], Fingerprint | None]


# The fact of an entry that left something behind.
_LEFT = "schema after"


@dataclass(frozen=True, slots=True)
class ExternalChange:
    """One environment that is not as the run of `entry` left it.

    `code` is a stable word: `gone`, `restored`, `schema-changed`, `stamp-changed`, `file-replaced` or `rows-older`;
    `resembles` the number of the entry whose before or after it looks like (0: of none).
    """

    code: str
    found: str
    entry: Entry
    resembles: int = 0

    def __str__(self) -> str:
        return f"not as {named(self.entry)} left it: {self.found}"


def external_changes_since(
    file: Path, results: Iterable[Result], newest: Mapping[str, Entry], began: float
) -> dict[str, ExternalChange]:
    """By environment, what is no longer as the ledger's last entry left it, of those that were looked at.

    `newest` are the newest entries, read after the databases were, and `began` is when looking at those began (of
    time.time()): nothing is said where a run ended since, of what was not seen, and where the ledger does not know.
    Raises LedgerError.
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
    """The same of stamps and traces. Raises LedgerError."""
    found: dict[str, ExternalChange | None] = {}
    left = {name: each for name, each in newest.items() if each.fact(_LEFT)}
    if unsure := [name for name, *_ in standing if name in newest and name not in left]:
        left |= store.latest(file, unsure, _LEFT)
    for name, database, stamp, fingerprint in standing:
        entry = left.get(name)
        # Another database under the same name was never touched.
        if entry and entry.database == mask(database):
            # An entry that somebody has changed says nothing; `ledger.problem` tells of that.
            with suppress(ValueError, TypeError, AttributeError):
                ended = datetime.fromisoformat(entry.started_at).timestamp() + entry.seconds
                found[name] = _external_change(file, entry, stamp, fingerprint) if ended < began else None
    return {name: external_change for name, external_change in found.items() if external_change}


def _external_change(
    file: Path, entry: Entry, stamp: tuple[str, ...], fingerprint: Fingerprint | None
) -> ExternalChange | None:
    if fingerprint is None:
        return ExternalChange("gone", "nothing is there any more", entry) if entry.to_heads else None
    if json.loads(entry.fact("schema leaves out")) != list(fingerprint.without):
        return None  # environments.toml names another tracker today: the digests are of different things
    same_schema, same_stamp = fingerprint.schema == entry.fact(_LEFT), set(stamp) == set(entry.to_heads)
    if same_schema and same_stamp:
        return _older(entry, fingerprint)
    mine = [
        each for each in store.entries(file) if (each.environment, each.database) == (entry.environment, entry.database)
    ]
    if past := _past(mine, entry, fingerprint, stamp):
        return ExternalChange("restored", f"it looks like {past[0]}: a restore from elsewhere?", entry, past[1])
    if same_schema:
        was, now = (", ".join(one) or "none" for one in (entry.to_heads, stamp))
        return ExternalChange(
            "stamp-changed", f"the stamp was {was} and is {now}, changed since by something else", entry
        )
    return ExternalChange("schema-changed", "its schema has been changed since by something else", entry)


def _past(
    mine: Sequence[Entry], entry: Entry, fingerprint: Fingerprint, stamp: tuple[str, ...]
) -> tuple[str, int] | None:
    """The newest moment of the ledger that a database looks like, in words, with the entry's number."""
    for each in reversed(mine):
        moments = (("after", each.to_heads), ("before", each.from_heads))
        for when, heads in moments if each.number != entry.number else moments[1:]:
            if each.fact(f"schema {when}") == fingerprint.schema and set(heads) == set(stamp):
                return f"what was there {when} {'that' if each.number == entry.number else named(each)}", each.number
    return None


def _older(entry: Entry, fingerprint: Fingerprint) -> ExternalChange | None:
    """The same schema, in a file that has been through less: SQLite takes neither of these counts back."""
    highest = dict(fingerprint.highest)
    for table, before in json.loads(entry.fact("highest ids after")).items():
        if (now := highest.get(table, 0)) < before:
            why = "older rows from a restore, or the table made anew?"
            return ExternalChange(
                "rows-older", f"the highest id of {table} was {before:,} and is {now:,}: {why}", entry
            )
    if fingerprint.counter < (before := int(entry.fact("schema counter after"))):
        changes = (
            f"the schema of this file has been changed {fingerprint.counter:,} times, that of the other {before:,}"
        )
        return ExternalChange("file-replaced", f"another file is in its place ({changes})", entry)
    return None


def named(entry: Entry) -> str:
    """An entry in a few words: `reconcile 17 of 2026-11-25 10:16`."""
    return f"{entry.action} {entry.number} of {entry.started_at[:16].replace('T', ' ')}"
