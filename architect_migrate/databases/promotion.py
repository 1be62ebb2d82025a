"""The objects of a database that a revision adds to the chain, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.text import shortlist

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.model.facts import Fact


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An object that a revision does not promote, by its display name, and the reason."""

    what: str
    why: str


def left_out(left: Iterable[LeftOut], most: int) -> tuple[str, ...]:
    """Return one line per reason with the objects that are left out; those beyond `most` are counted only."""
    by_why: dict[str, list[str]] = {}
    for each in left:
        by_why.setdefault(each.why, []).append(each.what)
    return tuple(f"{shortlist(what, most)} ({why})" for why, what in by_why.items())


@dataclass(frozen=True, slots=True)
class Promotion:
    """A revision's statements, the facts that it adds (`brought`), those that it replaces, and those left out.

    `tables` are the tables added as a whole. `names` are the names that can be given, `unknown` are given names that
    match no extra object.
    """

    upgrade: tuple[str, ...]
    downgrade: tuple[str, ...]
    brought: tuple[Fact, ...]
    replaced: tuple[Fact, ...]
    left: tuple[LeftOut, ...]
    tables: tuple[str, ...]
    names: tuple[str, ...]
    unknown: tuple[str, ...]
