"""Reads what `--rows` says: how the rows of revisions are settled, for this run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.errors import UsageError
from architect_migrate.model.environment import RowAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable


def parsed(words: Iterable[str]) -> tuple[tuple[str, RowAnswer], ...]:
    """Pairs of a revision, as named, and its answer. Raises UsageError."""
    found: dict[str, RowAnswer] = {}
    for word in words:
        revision, equals, answer = word.partition("=")
        if not equals or not revision or answer not in {each.value for each in RowAnswer}:
            raise UsageError(f"--rows {word} names no revision and answer", "write REV=run, REV=done or REV=skip")
        if revision in found:
            raise UsageError(f"--rows settles {revision} twice", "settle each revision once")
        found[revision] = RowAnswer(answer)
    return tuple(found.items())
