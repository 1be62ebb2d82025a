"""Merges two ordered streams of rows, and yields the rows of the first that the second lacks or has changed.

Equal stretches are compared and hashed as bytes, a batch at a time; single rows are compared only where a batch
differs. At most a few batches are in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architect_migrate.databases.sqlite.rows.exact import BATCH, Row, frozen

if TYPE_CHECKING:
    import hashlib
    import sqlite3
    from collections.abc import Generator, Iterator


@dataclass(frozen=True, slots=True)
class Missing:
    """A row of the first stream whose key the second does not have."""

    key: Row


@dataclass(frozen=True, slots=True)
class Changed:
    """A value that differs in the second stream; `place` counts the columns after the key, from 0."""

    key: Row
    place: int
    before: Any
    after: Any


class _Waiting:
    """The rows of a cursor, with the ability to put rows back."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self._returned: list[Row] = []

    def take(self, count: int) -> list[Row]:
        """The next `count` rows; fewer only at the end."""
        rows, self._returned = self._returned[:count], self._returned[count:]
        return rows + self._cursor.fetchmany(count - len(rows)) if len(rows) < count else rows

    def put_back(self, rows: list[Row]) -> None:
        """Put back the rows that were taken last."""
        self._returned = rows + self._returned


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two cursors over rows ordered by their first `key_width` values; text is ordered by its bytes in `codec`."""

    before: sqlite3.Cursor
    after: sqlite3.Cursor
    key_width: int
    codec: str


def merge(pairing: Pairing, digest: hashlib.blake2b) -> Iterator[Missing | Changed]:
    """Yield the rows that are missing and the values that changed; rows that only `after` has are skipped.

    The rows of `before`, with the values that they have in `after`, are added to `digest`.
    """
    waiting = _Waiting(pairing.after)
    while batch := pairing.before.fetchmany(BATCH):
        rows = waiting.take(len(batch))
        content = frozen(rows)
        if content != frozen(batch):
            waiting.put_back(rows)
            content = frozen((yield from _one_by_one(batch, waiting, pairing)))
        digest.update(content)


def _one_by_one(batch: list[Row], waiting: _Waiting, pairing: Pairing) -> Generator[Missing | Changed, None, list[Row]]:
    """Compare a batch row by row: yield the differences, return the rows that were found, changed or not.

    `waiting` continues after the last row that was compared.
    """
    width, codec = pairing.key_width, pairing.codec
    matched: list[Row] = []
    rows: list[Row] = []
    at = 0
    for row in batch:
        wanted = _order(row[:width], codec)
        while True:
            if at == len(rows):
                rows, at = waiting.take(BATCH), 0
            # At the end of the stream, or past the place where the row would be.
            if not rows or (order := _order(rows[at][:width], codec)) > wanted:
                yield Missing(row[:width])
                break
            at += 1
            if order == wanted:
                matched.append(rows[at - 1])
                yield from _changes(row, rows[at - 1], width)
                break
    waiting.put_back(rows[at:])
    return matched


def _changes(before: Row, after: Row, width: int) -> Iterator[Changed]:
    if frozen([before]) == frozen([after]):
        return
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        if frozen([(old,)]) != frozen([(new,)]):
            yield Changed(before[:width], place - width, old, new)


def _order(key: Row, codec: str) -> tuple[tuple[int, Any], ...]:
    """A key in SQLite's order: NULL, numbers, text by its stored bytes, blobs."""
    return tuple([_rank(value, codec) for value in key])


def _rank(value: object, codec: str) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    if isinstance(value, (int, float)):
        return (1, value)
    if isinstance(value, str):
        return (2, value.encode(codec, "surrogateescape" if codec == "utf-8" else "surrogatepass"))
    return (3, value)
