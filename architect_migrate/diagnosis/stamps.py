"""What the rows of a version table stand for, where they are not simply the heads of a position of the chain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.core.text import joined
from architect_migrate.diagnosis.claims import stamp_problem
from architect_migrate.diagnosis.positions import fitting, held_against
from architect_migrate.model.environment import Drop, Kind
from architect_migrate.model.revision_graph import ancestry, heads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from architect_migrate.diagnosis.positions import Database
    from architect_migrate.model.history import History
    from architect_migrate.model.revision_graph import RevisionGraph

    Allows = Callable[[frozenset[str]], bool]


@dataclass(frozen=True, slots=True)
class Followed:
    """A stamp as archmig understands it.

    `at` are the heads of the position that it means. `recorded` are the revisions that count as recorded, with their
    ancestors: fewer than `at` where only the schema says that the database is there, which tells nothing of rows.
    `problem` is why the stamp cannot be followed. `readings` are rows that count for something else, with what for.
    """

    at: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()
    problem: str = ""
    readings: tuple[tuple[str, str], ...] = ()


def follow(history: History, database: Database, stamp: tuple[str, ...], allows: Allows) -> Followed:
    """Return what a stamp stands for: rows of replaced revisions, rows that others imply, and rows that were released.

    Why the schema is compared: a row that does not name a head is evidence of nothing else.
    """
    once = tuple(dict.fromkeys(stamp))
    if len(once) < len(stamp):
        # Alembic refuses to write such a table: its UPDATE has to match one row.
        counted = tuple((row, f"is there {stamp.count(row)} times") for row in once if stamp.count(row) > 1)
        found = follow(history, database, once, allows)
        return replace(found, readings=(*counted, *found.readings))
    graph = history.graph
    released = {row: entry for row in stamp if (entry := _released(row, database))}
    if not released and not stamp_problem(graph, stamp):
        return Followed(stamp, stamp)
    left = tuple(row for row in stamp if row not in released)
    # Without a stamp that is left, the schema alone has to say where the database is.
    if released and (not left or stamp_problem(graph, left)) and not fitting(history, database, allows):
        problem = f"is stamped {joined(released)}, and no position of the chain fits its schema"
        return Followed(recorded=stamp, problem=problem)
    found = _understood(history, database, left)
    readings = tuple((row, f"does not count, by {entry.origin.words}") for row, entry in released.items())
    return replace(found, readings=(*readings, *found.readings))


def _released(row: str, database: Database) -> Drop | None:
    """The entry that says that a row does not count; None without one."""
    entries = (entry for entry in database.resolutions if isinstance(entry, Drop))
    return next((each for each in entries if each.subject.kind is Kind.STAMP and each.subject.name == row), None)


def _understood(history: History, database: Database, stamp: tuple[str, ...]) -> Followed:
    """A stamp whose rows may be of replaced revisions, or imply each other."""
    graph = history.graph
    ids = {row: row if row in graph.order else successor(graph, row) for row in stamp}
    means = tuple(dict.fromkeys(ids.values()))
    top = heads(graph, ancestry(graph, means))
    # Rows that name a revision in the middle of what another one replaces, or one that comes after another row.
    vague = {new for row, new in ids.items() if new and new != row and not _is_last(graph, row, new)}
    low = tuple(each for each in means if not (ancestry(graph, [each]) - {each}) & set(means))
    problem = stamp_problem(graph, tuple(new or row for row, new in ids.items()))
    if not all(means):
        return Followed(recorded=stamp, problem=problem)
    replaced = tuple((row, f"stands for {new}, which replaces it") for row, new in ids.items() if new != row)
    if not vague and set(top) == set(means):
        return Followed(recorded=stamp, problem=problem) if problem else Followed(means, means, readings=replaced)
    if _fits(history, database, top):
        known = tuple(each for each in low if each not in vague)
        return Followed(top, known, readings=(*replaced, *_implied(means, top)))
    if not vague and _fits(history, database, low):
        return Followed(low, low, readings=(*replaced, *_refuted(means, low)))
    words = problem or f"is stamped {joined(stamp)}, which {joined(sorted(vague))} replaces in part"
    return Followed(recorded=stamp, problem=words)


def successor(graph: RevisionGraph, row: str) -> str:
    """Return the revision that replaces one which the chain does not have any more; empty if there is none."""
    return next((revision.id for revision in graph.revisions if row in revision.replaces), "")


def is_midway(graph: RevisionGraph, row: str) -> bool:
    """Return whether a row names a replaced revision that left less than the one which replaces it does."""
    new = successor(graph, row)
    return row not in graph.order and bool(new) and not _is_last(graph, row, new)


def _is_last(graph: RevisionGraph, row: str, new: str) -> bool:
    """Whether a revision leaves what the replaced one left, so that a stamp of either says the same."""
    return next(revision.replaces for revision in graph.revisions if revision.id == new)[-1] == row


def _fits(history: History, database: Database, at: Iterable[str]) -> bool:
    return held_against(history, ancestry(history.graph, at), database).fits


def _implied(means: tuple[str, ...], top: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((row, f"says nothing more than {joined(top)}") for row in means if row not in top)


def _refuted(means: tuple[str, ...], low: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((row, f"is not true: the schema is that of {joined(low)}") for row in means if row not in low)
