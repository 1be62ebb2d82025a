"""The hash chain of the ledger: each entry's hash is of itself and of the hash before it, so that a change shows."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def hashed(before: str, row: Sequence[object]) -> str:
    """The hash (SHA-256) of a row as it is stored, after the hash of the row before it (empty: there is none)."""
    return hashlib.sha256(json.dumps([before, *row]).encode()).hexdigest()


def starting(rows: Iterable[Sequence[object]]) -> str:
    """What the first hash goes on from: the rows (hash, number, values) that were written without one."""
    before = ""
    for _, *row in rows:
        before = hashed(before, row)
    return before


def broken(rows: Iterable[Sequence[Any]], highest: int) -> str:
    """The first place at which rows (hash, number, values), oldest first, are not what was written; empty: none is.

    `highest` is the highest number that was given.
    """
    before, expected, chained = "", 1, False
    for found, *row in rows:
        if row[0] != expected:
            return _gone(expected, row[0] - 1)
        its = hashed(before, row)
        if chained and not found:
            return f"entry {expected} has lost its hash"
        if found and found != its:
            older = " or one before it" if not chained and expected > 1 else ""
            return f"entry {expected}{older} is not what was written"
        before, expected, chained = its, expected + 1, bool(found)
    return _gone(expected, highest) if expected <= highest else ""


def _gone(first: int, last: int) -> str:
    return f"entry {first} is gone" if first == last else f"entries {first} to {last} are gone"
