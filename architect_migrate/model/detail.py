"""Differences between two shapes of an object, and what one kind of database alone says of an object."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Severity(Enum):
    """Severity of a difference, worst first; docs/architecture.md has the rule behind each."""

    BREAKING = "breaking"
    BEHAVIOURAL = "behavioural"
    COSMETIC = "cosmetic"
    EXTRA = "extra"

    @property
    def needs_repair(self) -> bool:
        """Whether a difference of this severity counts as drift."""
        return self is Severity.BREAKING or self is Severity.BEHAVIOURAL

    @property
    def rank(self) -> int:
        """Rank among the severities, 0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Difference:
    """One respect in which two facts with the same key differ, and the text of both sides.

    `certain` is False if the texts differ and could still mean the same.
    """

    respect: str
    expected: str
    actual: str
    severity: Severity
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Detail:
    """What one kind of database says of an object beyond what all kinds say; each kind derives its own classes."""

    def harm(self, tables: Collection[str]) -> str:  # noqa: ARG002  (of use to a kind)
        """Return how an object that only the database has changes statements on the chain's `tables`; empty if not."""
        return ""

    def differences(self, actual: Self) -> Iterator[Difference]:
        """Yield the respects in which `actual` is otherwise, a field each. A kind overrides the severities."""
        for field in fields(self):
            expected, found = getattr(self, field.name), getattr(actual, field.name)
            if expected != found:
                respect = field.name.replace("_", " ")
                yield Difference(respect, _words(expected), _words(found), Severity.BEHAVIOURAL)


def differences(expected: Detail | None, actual: Detail | None) -> Iterator[Difference]:
    """Yield the respects in which the details of two objects differ. Those of two kinds of database never agree."""
    if expected is not None and type(expected) is type(actual):
        yield from expected.differences(actual)
    elif expected != actual:
        yield Difference("detail", repr(expected), repr(actual), Severity.BEHAVIOURAL)


def _words(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value) if value not in {None, ""} else "none"
