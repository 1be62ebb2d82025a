"""What a database says of itself: Alembic's stamp and the legacy tracker's rows. Never taken as truth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from architect_migrate.model.revision_graph import ancestry, heads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.model.environment import Tracker
    from architect_migrate.model.revision_graph import Revision, RevisionGraph

# The checksum of a tracker row that archmig wrote: it tells when it was recorded, not when anything ran.
RECORDED = "archmig"


class Claim(Enum):
    """What is claimed of one revision."""

    NONE = "none"
    SKIPPED = "skipped"
    EXECUTED = "executed"
    STAMPED = "stamped"


@dataclass(frozen=True, slots=True)
class TrackerRow:
    """A row of the legacy tracker, in the order of its recording; `skipped`: it says itself that nothing ran."""

    version: str
    applied_at: str = ""
    description: str = ""
    checksum: str = ""
    skipped: bool = False


def tracker_row(tracker: Tracker, version: str, applied_at: str, description: str, checksum: str) -> TrackerRow:
    """Return a row of a tracker from its texts: it is skipped where one of the tracker's marks for that is in it."""
    text = f"{description} {checksum}".lower()
    return TrackerRow(version, applied_at, description, checksum, any(mark.lower() in text for mark in tracker.skipped))


@dataclass(frozen=True, slots=True)
class Claims:
    """Everything that a database claims; `stamp` are the rows of Alembic's version table (None: no such table).

    Where the tracker is to be kept true, `columns` are those of its own that it has, spelt as they are, and `obstacle`
    is why no row of archmig's can go in.
    """

    stamp: tuple[str, ...] | None = None
    rows: tuple[TrackerRow, ...] = ()
    tracker: bool = False
    columns: tuple[str, ...] = ()
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Which revisions a tracker row stands for; `renumbered`: by a number that they bore before."""

    row: TrackerRow
    revisions: tuple[Revision, ...]
    renumbered: bool = False


def attributions(graph: RevisionGraph, rows: Iterable[TrackerRow]) -> tuple[Attribution, ...]:
    """Each row with the revisions that it stands for; none where no revision ever bore its number.

    One number can have belonged to several migrations: then the row's description decides, and where that tells
    nothing, today's number.
    """
    return tuple(_attribute(graph, row) for row in rows)


def claim_of(revision: Revision, stamped: frozenset[str], rows: Iterable[Attribution]) -> Claim:
    """What is claimed of a revision; of several claims the strongest."""
    if revision.id in stamped:
        return Claim.STAMPED
    mine = [row.row for row in rows if revision in row.revisions]
    if any(not row.skipped for row in mine):
        return Claim.EXECUTED
    return Claim.SKIPPED if mine else Claim.NONE


def out_of_order(rows: tuple[TrackerRow, ...]) -> tuple[tuple[TrackerRow, TrackerRow], ...]:
    """Rows recorded after a row of a higher number, each with the first such row; what archmig recorded aside."""
    ordered = sorted(
        (tracker_row for tracker_row in rows if tracker_row.checksum != RECORDED), key=lambda row: row.applied_at
    )
    found = []
    for at, row in enumerate(ordered):
        higher = next(
            (
                tracker_row
                for tracker_row in ordered[:at]
                if tracker_row.version > row.version and tracker_row.applied_at < row.applied_at
            ),
            None,
        )
        if higher is not None:
            found.append((row, higher))
    return tuple(found)


def stamp_problem(graph: RevisionGraph, stamp: tuple[str, ...]) -> str:
    """Why a stamp cannot be followed: a revision that the chain does not have, or rows that are no heads; or empty.

    Nor can one be followed that is before the chain's baseline: the revisions up to that are not run.
    """
    unknown = [revision for revision in stamp if revision not in graph.order]
    if unknown:
        return f"is stamped {unknown[0]}, which the chain does not have"
    if set(heads(graph, ancestry(graph, stamp))) != set(stamp):
        return f"is stamped {' and '.join(stamp)}, of which one comes before another"
    begins = frozenset(revision.id for revision in graph.revisions if revision.baseline)
    last = heads(graph, begins)
    if early := [revision for revision in stamp if revision in begins and revision not in last]:
        return f"is stamped {early[0]}, and what it lacks of {', '.join(last)}, the chain's baseline, cannot be known"
    return ""


def _attribute(graph: RevisionGraph, row: TrackerRow) -> Attribution:
    direct = tuple(
        revision
        for revision in graph.revisions
        if row.version and row.version in {revision.legacy_version, revision.id}
    )
    former = tuple(revision for revision in graph.revisions if row.version in revision.legacy_aliases)
    described = _words(row.description)
    best = max((_likeness(revision, described) for revision in (*direct, *former)), default=0.0)
    if best > 0:
        likely = tuple(revision for revision in (*direct, *former) if _likeness(revision, described) == best)
        if not any(revision in direct for revision in likely):
            return Attribution(row, likely, renumbered=True)
    return Attribution(row, direct) if direct else Attribution(row, former, renumbered=bool(former))


def _likeness(revision: Revision, described: frozenset[str]) -> float:
    """How many of a revision's own words a description uses, from 0 to 1."""
    words = _words(f"{revision.title} {revision.id.replace('_', ' ')}")
    return len(words & described) / len(words) if words else 0.0


def _words(text: str) -> frozenset[str]:
    letters = "".join(letter if letter.isalpha() else " " for letter in text.lower())
    return frozenset(word for word in letters.split() if len(word) > 2)
