"""What makes the legacy tracker's rows true: one row for each number whose revisions are all applied, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.diagnosis.claims import RECORDED, TrackerRow, attributions
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.planning.plan import CorrectRow, ForgetRow, RecordRow, SyncTracker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.diagnosis.claims import Claims
    from architect_migrate.model.environment import Tracker
    from architect_migrate.model.revision_graph import Revision, RevisionGraph
    from architect_migrate.planning.plan import Plan, TrackerChange

_BY = "recorded by archmig"


def corrections(
    tracker: Tracker, claims: Claims, graph: RevisionGraph, position: frozenset[str]
) -> tuple[TrackerChange, ...]:
    """What has to change in the tracker, in the order of the chain, for its rows to be true of a position.

    A tool that goes by the tracker runs each file whose number it lacks. So a number that several migrations share may
    be there only if all are applied; a row that says itself that nothing ran, or that by its words belongs to another
    migration, is corrected in place. Numbers that are no revision's today stay.
    """
    numbers: dict[str, list[Revision]] = {}
    for revision in graph.revisions:
        if revision.legacy_version:
            numbers.setdefault(revision.legacy_version, []).append(revision)
    rows = attributions(graph, claims.rows)
    found: list[TrackerChange] = []
    for number, one in numbers.items():
        mine = [row for row in rows if row.row.version == number]
        wanted = _row(tracker, number, one)
        was = "; ".join(_words(attribution.row) for attribution in mine)
        wrong = [
            attribution
            for attribution in mine
            if (attribution.row.skipped or attribution.renumbered) and not _same(attribution.row, wanted)
        ]
        if not all(each.id in position for each in one):
            found += [ForgetRow(number, was)] if mine else []
        elif not mine:
            found.append(RecordRow(number, wanted.description, wanted.checksum))
        elif wrong:
            found.append(CorrectRow(number, wanted.description, wanted.checksum, was))
    return tuple(found)


def _row(tracker: Tracker, number: str, its: Iterable[Revision]) -> TrackerRow:
    """The row that archmig writes; none of its words is one by which a row says that nothing ran."""
    titles = " and ".join(revision.title or revision.id for revision in its)
    ids = " and ".join(revision.id for revision in its)
    description = _unmarked(tracker, f"{titles} ({_BY})", f"{ids} ({_BY})", _BY)
    return TrackerRow(number, description=description, checksum=_unmarked(tracker, RECORDED))


def _unmarked(tracker: Tracker, *texts: str) -> str:
    return next((text for text in texts if not any(mark.lower() in text.lower() for mark in tracker.skipped)), "")


def _same(row: TrackerRow, wanted: TrackerRow) -> bool:
    """Whether a row is what archmig would write; a column that the table does not have reads as empty."""
    return row.description in {"", wanted.description} and row.checksum in {"", wanted.checksum}


def _words(row: TrackerRow) -> str:
    return f"{row.description!r}, checksum {row.checksum!r}"


def synced(tracker: Tracker, graph: RevisionGraph, claims: Claims, plan: Plan) -> Plan:
    """The same plan with the tracker corrected at its end; blocked where its table does not take such rows."""
    changes = () if plan.blockers else corrections(tracker, claims, graph, plan.after)
    if not changes:
        return plan
    if claims.obstacle:
        blocker = Finding(
            Level.BLOCKING,
            "tracker-not-writable",
            f"tracker {tracker.table}",
            claims.obstacle,
            "correct it by hand, or set sync = false in [tracker]",
        )
        return replace(plan, blockers=(blocker,))
    return replace(plan, steps=(*plan.steps, SyncTracker(tracker, claims.columns, changes)))
