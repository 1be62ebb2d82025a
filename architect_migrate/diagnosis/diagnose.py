"""Where a database really is: every revision judged by what of its effects is there, whatever anybody claims."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.diagnosis.claims import Attribution, Claim, attributions, claim_of
from architect_migrate.diagnosis.positions import borne_out, database_of, fitting, held_against
from architect_migrate.diagnosis.resolutions import keeper
from architect_migrate.diagnosis.stamps import Followed, follow
from architect_migrate.model.compare import compare
from architect_migrate.model.diff import (
    Change,
    Differs,
    Missing,
    OtherwiseNamed,
    change_key,
    is_part,
    needs_repair,
)
from architect_migrate.model.facts import Fact, table_of
from architect_migrate.model.history import effects, facts_at, replays, row_statements
from architect_migrate.model.leftovers import differences
from architect_migrate.model.revision_graph import ancestry, heads
from architect_migrate.model.shuffles import disguised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.diagnosis.claims import Claims
    from architect_migrate.diagnosis.positions import Comparison, Database
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.history import Effects, History
    from architect_migrate.model.revision_graph import Revision
    from architect_migrate.model.schema import Key, Schema


class Verdict(Enum):
    """What is true of a revision on a database; a MERGE only joins branches and has nothing to do."""

    APPLIED = "applied"
    MISSING = "missing"
    PARTIAL = "partial"
    CONFLICTING = "conflicting"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"
    MERGE = "merge"


class Basis(Enum):
    """What a position rests on: the stamp, which fits; the stamp, though things are missing; the schema; evidence.

    INCOMPLETE_STAMP is a stamp that fits but for indexes and triggers that are lost.
    """

    STAMP = "stamp"
    INCOMPLETE_STAMP = "incomplete stamp"
    DRIFTED_STAMP = "drifted stamp"
    SCHEMA = "schema"
    EVIDENCE = "evidence"

    @property
    def fits(self) -> bool:
        """Whether a position of the chain fits the schema as it stands, indexes and triggers aside."""
        return self not in {Basis.DRIFTED_STAMP, Basis.EVIDENCE}


@dataclass(frozen=True, slots=True)
class Judgement:
    """One revision judged: which of its surviving effects are there, which are not, which are in another shape.

    `left_over` are the objects that the revision removes and that are still there.
    """

    revision: Revision
    claim: Claim
    verdict: Verdict
    present: tuple[Fact, ...] = ()
    absent: tuple[Fact, ...] = ()
    differing: tuple[Differs, ...] = ()
    left_over: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A database judged.

    `basis` is what its position rests on; only `EVIDENCE` means that no position of the chain fits it.
    `position` is what counts as applied (closed under ancestry), `surely` the part of it that every position has which
    fits as well: the others leave nothing in the schema to see. `changes` are the differences from the chain at
    `position`. `followed` is what the stamp stands for, `astray` whether it has to be written anew.
    """

    judgements: tuple[Judgement, ...]
    position: frozenset[str]
    surely: frozenset[str]
    changes: tuple[Change, ...]
    rows: tuple[Attribution, ...]
    stamped: frozenset[str]
    basis: Basis
    followed: Followed
    astray: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of revisions, whatever else fits: interrupted work shows that they ran to their end, or are undone.

    `told` are those of which a person says that their rows are settled, though nothing of them is in the schema: they
    belong to the position with all that comes before them, and what these make is missing from it.
    """

    ran: frozenset[str] = frozenset()
    undone: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()

    def allows(self, position: frozenset[str]) -> bool:
        """Return whether a database can be at a position."""
        return self.ran <= position and not self.undone & position


NOTHING_KNOWN = Known()


def diagnose(
    history: History, schema: Schema, claims: Claims, resolutions: tuple[Resolution, ...], known: Known = NOTHING_KNOWN
) -> Diagnosis:
    """Judge every revision of the chain on a database with this schema and these claims.

    What an entry of `resolutions` keeps counts as there: a person has settled it.
    """
    graph = history.graph
    database = database_of(schema, resolutions)
    found = database.found
    followed = follow(history, database, claims.stamp or (), known.allows)
    stamped = ancestry(graph, followed.recorded)
    rows = attributions(graph, claims.rows)
    said = {revision.id: claim_of(revision, stamped, rows) for revision in graph.revisions}
    position, surely, basis = _located(history, database, followed, (said, known))
    position |= ancestry(graph, known.told)
    if not heads(graph, position):
        stamped |= position  # the chain's baseline alone, which no stamp records
    changes = differences(history, position, schema, found)
    judge = _Judge(history, found, position, tuple(change for change in changes if keeper(change, resolutions) is None))
    judgements = tuple(judge.of(revision, said[revision.id]) for revision in graph.revisions)
    astray = stamped != position or sorted(claims.stamp or ()) != sorted(heads(graph, position))
    return Diagnosis(judgements, position, surely, changes, rows, stamped, basis, followed, astray)


def _located(
    history: History, database: Database, followed: Followed, told: tuple[Mapping[str, Claim], Known]
) -> tuple[frozenset[str], frozenset[str], Basis]:
    """The position by the first hypothesis that holds, the part of it that is sure, and what it rests on.

    First the stamp's position, if it fits; then the same, drifted; then the positions that fit; then the evidence.
    The order matters: a stamp that the schema supports must never give way to a position that only looks better.
    """
    graph = history.graph
    said, known = told
    stamped = ancestry(graph, followed.at)
    if followed.at and known.allows(stamped):
        compared = held_against(history, stamped, database)
        if compared.fits:
            sure = stamped if followed.recorded == followed.at else _common(fitting(history, database, known.allows))
            return stamped, stamped & sure, Basis.INCOMPLETE_STAMP if compared.lost else Basis.STAMP
        bears_out = (borne_out(history, stamped, revision, database.found) for revision in followed.at)
        if not compared.beyond and all(bears_out):
            return stamped, stamped, Basis.DRIFTED_STAMP
    if fits := fitting(history, database, known.allows):
        return _chosen(history, [fit.position for fit in fits], said), _common(fits), Basis.SCHEMA
    anchored = ancestry(graph, _anchors(history, database.found))
    return _extended(history, anchored, said, database.found), anchored, Basis.EVIDENCE


def _common(fits: tuple[Comparison, ...]) -> frozenset[str]:
    """What all positions that fit have in common."""
    return frozenset.intersection(*(fit.position for fit in fits))


def _chosen(history: History, equals: list[frozenset[str]], said: Mapping[str, Claim]) -> frozenset[str]:
    """Of positions that fit equally well, smallest first, the one that the database counts as at.

    A revision that may have changed rows is inside: one that is outside counts as pending and would be run, perhaps for
    the second time. A data step can be repeated, so one that nothing claims is left to be run.
    """
    beyond = equals[-1] - equals[0]
    doubtful = frozenset(revision for revision in beyond if is_doubtful(history, revision, said[revision]))
    enough = [equal for equal in equals if doubtful <= equal]
    unclaimed = frozenset(
        revision for revision in beyond if writes_rows(history, revision) and said[revision] not in _RAN
    )
    return next((equal for equal in reversed(enough) if not equal & (unclaimed - doubtful)), enough[0])


_RAN = frozenset({Claim.STAMPED, Claim.EXECUTED})


def writes_rows(history: History, revision: str) -> bool:
    """Whether a revision writes rows, or has a data step that would."""
    return bool(replays(history)[revision].writes) or revision in _with_data_step(history)


@lru_cache(maxsize=8)
def _with_data_step(history: History) -> frozenset[str]:
    return frozenset(revision.id for revision in history.graph.revisions if revision.data_step)


def only_joins(history: History, revision: Revision) -> bool:
    """Whether a revision does nothing but join branches: then it is never in doubt whether it ran."""
    its = effects(history)[revision.id]
    return len(revision.parents) > 1 and not (its.added or its.removed or writes_rows(history, revision.id))


def has_row_work(history: History, revision: str) -> bool:
    """Whether a revision changes rows outside of its data step, or looks into tables and may then do so.

    One that gives values another column, and leaves a schema that looks as before, is the same to a schema.
    """
    return revision in _with_row_work(history)


@lru_cache(maxsize=8)
def _with_row_work(history: History) -> frozenset[str]:
    return frozenset(
        revision
        for revision, replayed in replays(history).items()
        if row_statements(replayed) or replayed.reads or revision in disguised(history)
    )


def is_doubtful(history: History, revision: str, claim: Claim) -> bool:
    """Whether it matters that a revision has changed rows, and no claim says whether it did."""
    return claim is Claim.NONE and has_row_work(history, revision)


def _anchors(history: History, found: Mapping[Key, Fact]) -> tuple[str, ...]:
    """The revisions with evidence that no other revision with evidence comes after."""
    shapes = _shapes(history)
    evident = {
        revision
        for number, (revision, effect) in enumerate(effects(history).items())
        if any(_tells(fact, found.get(k), shapes[k], number) for k, fact in effect.added.items())
        or _gone(effect, found, number, shapes)
    }
    before = {parent for revision in history.graph.revisions if revision.id in evident for parent in revision.parents}
    covered = ancestry(history.graph, before)
    return tuple(revision for revision in history.graph.order if revision in evident and revision not in covered)


@lru_cache(maxsize=8)
def _shapes(history: History) -> dict[Key, list[tuple[int, Fact]]]:
    """Every shape that the chain ever gives a thing, with the place in the chain of the revision that does."""
    shapes: dict[Key, list[tuple[int, Fact]]] = {}
    for number, effect in enumerate(effects(history).values()):
        for its_key, fact in effect.added.items():
            shapes.setdefault(its_key, []).append((number, fact))
    return shapes


def _tells(fact: Fact, there: Fact | None, shapes: list[tuple[int, Fact]], number: int) -> bool:
    """Whether a fact is in the database and no earlier revision explains it."""
    if there is None:
        return False
    if shapes[0][0] == number:
        return True
    return not _serious(fact, there) and all(_serious(shape, there) for at, shape in shapes if at < number)


def _gone(its: Effects, found: Mapping[Key, Fact], number: int, shapes: Mapping[Key, list[tuple[int, Fact]]]) -> bool:
    """Whether a revision that only removes things has removed some from tables that are there with all the rest.

    Without such neighbours absence is no evidence: then the claims say (see `_extended`).
    """
    if not _removed(its, found):
        return False
    tables = {table_of(fact) for fact in its.removed.values()} - {k[1] for k in its.removed if k[0] == "table"} - {""}
    earlier = {k: [fact for at, fact in made if at < number] for k, made in shapes.items() if k not in its.removed}
    neighbours = [k for k, made in earlier.items() if made and table_of(made[-1]) in tables]
    return bool(neighbours) and all(k in found for k in neighbours)


def _removed(its: Effects, found: Mapping[Key, Fact]) -> bool:
    """Whether a revision only removes things, of which nothing is there."""
    return bool(its.removed) and not its.added and not any(k in found for k in its.removed)


def _serious(expected: Fact, actual: Fact) -> bool:
    return any(difference.severity.needs_repair for difference in compare(expected, actual))


def _extended(
    history: History, position: frozenset[str], said: Mapping[str, Claim], found: Mapping[Key, Fact]
) -> frozenset[str]:
    """The position with the traceless revisions just after it that are claimed, or doubtful (see `_chosen`)."""
    reached, traceless = set(position), set(position)
    for revision in history.graph.revisions:
        if (
            revision.id in traceless
            or not set(revision.parents) <= traceless
            or not _traceless(history, revision.id, found)
        ):
            continue
        traceless.add(revision.id)
        if set(revision.parents) <= reached and said[revision.id] in _RAN:
            reached.add(revision.id)
        elif position and is_doubtful(history, revision.id, said[revision.id]):
            reached |= ancestry(history.graph, [revision.id])
    return frozenset(reached)


def _traceless(history: History, revision: str, found: Mapping[Key, Fact]) -> bool:
    """Whether a schema can look like this both before and after a revision."""
    its = effects(history)[revision]
    return (not its.added and not its.removed) or _removed(its, found)


class _Judge:
    """Judges revisions against one database; what all judgements share is computed once."""

    def __init__(
        self, history: History, found: Mapping[Key, Fact], position: frozenset[str], changes: tuple[Change, ...]
    ) -> None:
        self.history, self.effects, self.found, self.position = history, effects(history), found, position
        self.expected = facts_at(history, position)
        # What several revisions make is missing from the last of them, as the plan has it.
        self.maker = {k: name for name, its in self.effects.items() if name in position for k in its.added}
        self.changes = {change_key(change): change for change in changes}

    def of(self, revision: Revision, claim: Claim) -> Judgement:
        its = self.effects[revision.id]
        present, absent, differing = [], [], []
        for its_key, fact in its.added.items():
            match self._look(revision.id, its_key, fact):
                case Differs() as change:
                    differing.append(change)
                case Missing():
                    absent.append(fact)
                case True:
                    present.append(fact)
                case _:
                    pass
        left_over = tuple(
            fact
            for its_key, fact in its.removed.items()
            if its_key not in its.added and its_key not in self.expected and its_key in self.found
        )
        only_removes, inside = bool(its.removed) and not its.added, revision.id in self.position
        done = only_removes and inside and len(its.removed) > len(left_over)
        undone = bool(absent or left_over) or (only_removes and not inside)
        verdict = Verdict.MERGE
        if not only_joins(self.history, revision):
            verdict = self._verdict(revision.id, its, (bool(present) or done, undone, bool(differing)))
        return Judgement(revision, claim, verdict, tuple(present), tuple(absent), tuple(differing), left_over)

    def _look(self, revision: str, its_key: Key, fact: Fact) -> Missing | Differs | bool:
        """What became of one effect: missing, in another shape, there (True), or nothing left to see (False)."""
        if revision not in self.position:
            there = self.found.get(its_key)
            return Missing(fact) if there is None or _serious(fact, there) else True
        if its_key not in self.expected:
            return False
        there = self.found.get(its_key)
        change = self.changes.get(its_key)
        if change is None and there is None and is_part(fact):
            return False  # it is missing with its constraint, which is what is judged
        if change is None or isinstance(change, OtherwiseNamed) or (there is not None and not _serious(fact, there)):
            return True
        if self.maker[its_key] != revision:
            return False
        return change if isinstance(change, Missing) or (isinstance(change, Differs) and needs_repair(change)) else True

    def _verdict(self, revision: str, its: Effects, seen: tuple[bool, bool, bool]) -> Verdict:
        match seen:
            case False, False, False:
                made = bool(its.added or its.removed)
                return Verdict.SUPERSEDED if made and revision in self.position else Verdict.UNKNOWN
            case _, _, True:
                return Verdict.CONFLICTING
            case True, True, False:
                return Verdict.PARTIAL
            case True, False, False:
                return Verdict.APPLIED
            case _:
                return Verdict.MISSING
