"""A diagnosis in findings: what is wrong with the claims, with the schema, and what only deserves a note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.text import joined, shortlist
from architect_migrate.diagnosis.claims import Claim, out_of_order
from architect_migrate.diagnosis.diagnose import Verdict
from architect_migrate.diagnosis.findings import STAMP_UNKNOWN, Finding, Level
from architect_migrate.diagnosis.stamps import is_midway, successor
from architect_migrate.model.diff import (
    Differs,
    Extra,
    Missing,
    OtherwiseNamed,
    Reordered,
    change_key,
    explain,
    needs_repair,
    severity,
)
from architect_migrate.model.facts import TableFact, describe, key, table_of
from architect_migrate.model.revision_graph import BASE, ancestry, heads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.diagnosis.claims import Attribution, Claims
    from architect_migrate.diagnosis.diagnose import Diagnosis, Judgement
    from architect_migrate.model.diff import Change
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.facts import Fact
    from architect_migrate.model.revision_graph import RevisionGraph

_RECONCILE = "archmig reconcile repairs it"


def findings_of(
    graph: RevisionGraph, diagnosis: Diagnosis, claims: Claims, kept: tuple[tuple[Change, Resolution], ...]
) -> tuple[Finding, ...]:
    """Everything that there is to say of a database, what stops a run first."""
    found = [*_of_stamp(graph, claims, diagnosis), *_of_tracker(diagnosis, claims)]
    found += [finding for judgement in diagnosis.judgements for finding in _of_claim(judgement, diagnosis)]
    found += _of_changes(diagnosis, {change_key(change) for change, _ in kept})
    found += [
        Finding(Level.NOTE, "kept", _subject(change), explain(change), f"allowed by {why.origin}{_because(why)}")
        for change, why in kept
    ]
    return tuple(sorted(found, key=lambda finding: list(Level).index(finding.level)))


def _because(why: Resolution) -> str:
    return f": {why.reason}" if why.reason else ""


def _of_stamp(graph: RevisionGraph, claims: Claims, diagnosis: Diagnosis) -> Iterator[Finding]:
    followed = diagnosis.followed
    if followed.problem:
        found, advice = f"the database {followed.problem}", _way_out(graph, claims.stamp or (), diagnosis)
        yield Finding(Level.BLOCKING, STAMP_UNKNOWN, graph.version_table, found, advice)
    for row, words in followed.readings:
        found = f"the row of {row} {words}"
        yield Finding(Level.REPAIR, "stamp-replaced", graph.version_table, found, "archmig reconcile corrects it")


def _way_out(graph: RevisionGraph, stamp: tuple[str, ...], diagnosis: Diagnosis) -> str:
    """Return what a person can do about a stamp that cannot be followed."""
    means = {row: row if row in graph.order else successor(graph, row) for row in stamp}
    unknown = [row for row, new in means.items() if not new]
    if not unknown and (older := next((row for row in stamp if is_midway(graph, row)), "")):
        return _before_replaced(graph, older, diagnosis)
    top = heads(graph, ancestry(graph, [new for new in means.values() if new]))
    rows = unknown or [row for row, new in means.items() if new not in top] or [*stamp]
    release = f"archmig reconcile {' '.join(f'--replace-stamp {row}' for row in rows)}"
    if not unknown and top and rows != [*stamp]:
        return f"{release} goes by {joined(top)} alone"
    if not diagnosis.basis.fits:
        delete = f"delete the row of {joined(rows)} from {graph.version_table}"
        return f"check out the revisions that it names and upgrade with them, or {delete}: it then counts as unstamped"
    shown = f"{release} stamps what the schema shows: {', '.join(heads(graph, diagnosis.position)) or BASE}"
    return f"{_shared(diagnosis)}; if it is this chain's, {shown}" if unknown else shown


def _before_replaced(graph: RevisionGraph, row: str, diagnosis: Diagnosis) -> str:
    """Return what has to be done first for a database that stopped in the middle of what a revision replaces."""
    new = successor(graph, row)
    if diagnosis.basis.fits and new in diagnosis.position:
        # Why not the old files: they would make again what is there.
        shown = joined(heads(graph, diagnosis.position))
        return f"archmig reconcile --replace-stamp {row} stamps what the schema shows: {shown}"
    last = next(revision.replaces for revision in graph.revisions if row in revision.replaces)[-1]
    return f"upgrade it first to {last}, with the old files (where archmig squash keeps them, or from version control)"


def _shared(diagnosis: Diagnosis) -> str:
    """Return what to do where a stamp is another application's, with the tables that speak for one."""
    extras = (change.fact for change in diagnosis.changes if isinstance(change, Extra))
    tables = [fact.table for fact in extras if isinstance(fact, TableFact)]
    own = "give one of the two applications a version_table of its own"
    if not tables:
        return f"if it is another application's, {own}"
    return f"if it is another application's, which tables like {shortlist(tables, 2)} suggest, {own}"


def _of_tracker(diagnosis: Diagnosis, claims: Claims) -> Iterator[Finding]:
    for late, higher in out_of_order(claims.rows):
        found = f"recorded at {late.applied_at}, after {higher.version} ({higher.applied_at})"
        yield Finding(Level.NOTE, "tracker-out-of-order", f"tracker row {late.version}", found)
    for row in diagnosis.rows:
        yield from _of_row(row)


def _of_row(attribution: Attribution) -> Iterator[Finding]:
    subject = f"tracker row {attribution.row.version}"
    if not attribution.revisions:
        yield Finding(
            Level.NOTE, "tracker-unknown", subject, f"{attribution.row.description!r}: no revision bore this number"
        )
    elif attribution.renumbered:
        now = ", ".join(revision.id for revision in attribution.revisions)
        yield Finding(Level.NOTE, "tracker-renumbered", subject, f"{attribution.row.description!r} is {now} today")
    if len(attribution.revisions) > 1:
        both = " and ".join(revision.id for revision in attribution.revisions)
        yield Finding(Level.NOTE, "tracker-ambiguous", subject, f"stands for {both}: only the schema tells which ran")
    if attribution.row.skipped:
        said = attribution.row.description or attribution.row.checksum
        yield Finding(
            Level.NOTE, "tracker-skipped", subject, f"{said!r}: recorded, and by its own words never executed"
        )


def _of_claim(judgement: Judgement, diagnosis: Diagnosis) -> Iterator[Finding]:
    """Where what is claimed of a revision and what is there disagree."""
    revision, shown = judgement.revision.id, counts(judgement)
    there = judgement.verdict in {Verdict.APPLIED, Verdict.PARTIAL, Verdict.CONFLICTING}
    claimed = judgement.claim in {Claim.EXECUTED, Claim.STAMPED}
    # What should have been removed and is there is reported by itself, below: it makes no claim false.
    is_missing = judgement.verdict is Verdict.MISSING and not judgement.left_over
    is_lacking = is_missing or judgement.absent or judgement.differing
    if claimed and is_lacking:
        found = f"claimed as {judgement.claim.value}, but {judgement.verdict.value} ({shown})"
        yield Finding(Level.REPAIR, "claim-false", revision, found, _RECONCILE, revision)
    elif there and not claimed and revision in diagnosis.position and revision != BASE:
        said = "recorded as skipped" if judgement.claim is Claim.SKIPPED else "not recorded anywhere"
        found = f"{said}, but {judgement.verdict.value} ({shown})"
        yield Finding(Level.NOTE, "claim-missing", revision, found, "", revision)
    for fact in _left_behind(judgement, diagnosis):
        advice = "it is kept; a [[resolve]] entry with drop = true removes it"
        yield Finding(
            Level.NOTE, "lingering", describe(fact), f"{revision} removes it, and it is there", advice, revision
        )


def _left_behind(judgement: Judgement, diagnosis: Diagnosis) -> Iterator[Fact]:
    """What a revision should have removed, without parts of whole tables and what is repaired as a difference."""
    if not judgement.left_over:
        return
    whole = {table_of(fact) for fact in judgement.left_over if isinstance(fact, TableFact)}
    repaired = {change_key(change) for change in diagnosis.changes if needs_repair(change)}
    for fact in judgement.left_over:
        if (isinstance(fact, TableFact) or table_of(fact) not in whole) and key(fact) not in repaired:
            yield fact


def counts(judgement: Judgement) -> str:
    """How much of a revision is there, missing and in another shape: `3 there, 1 missing`."""
    parts = ((judgement.present, "there"), (judgement.absent, "missing"), (judgement.differing, "in another shape"))
    return ", ".join(f"{len(name)} {word}" for name, word in parts if name)


def _of_changes(diagnosis: Diagnosis, kept: set[tuple[str, ...]]) -> Iterator[Finding]:
    whole = {
        table_of(each.fact)
        for each in diagnosis.changes
        if isinstance(each, Missing | Extra) and isinstance(each.fact, TableFact)
    }
    # Each object has one finding: what a revision should have removed is reported with that revision.
    left_over = {key(fact) for judgement in diagnosis.judgements for fact in judgement.left_over}
    for change in diagnosis.changes:
        if change_key(change) in kept or _part_of_whole(change, whole):
            continue
        if needs_repair(change) or change_key(change) not in left_over:
            yield _of_change(change)


def _part_of_whole(change: Change, whole: set[str]) -> bool:
    """Whether a change only repeats that its whole table is missing, or not the chain's."""
    if not isinstance(change, Missing | Extra) or isinstance(change.fact, TableFact):
        return False
    return table_of(change.fact) in whole


def _of_change(change: Change) -> Finding:
    its = severity(change)
    level, advice = (Level.REPAIR, _RECONCILE) if its.needs_repair else (Level.NOTE, "")
    return Finding(level, f"{its.value}-{_code(change)}", _subject(change), explain(change), advice)


def _code(change: Change) -> str:
    match change:
        case Missing():
            return "missing"
        case Differs():
            return "differs"
        case Extra():
            return "extra" if change.harmful else "kept"
        case OtherwiseNamed():
            return "named-otherwise"
        case Reordered():
            return "order"


def _subject(change: Change) -> str:
    return f"table {change.table}" if isinstance(change, Reordered) else describe(change.fact)
