"""The walk: from a diagnosis to a plan, revision by revision from base to anchor, then on to the target.

Pure: what a table's shape takes in SQL is asked of `RepairPlanner`, what the rows allow is asked by it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.diagnosis.data_steps import lasts, wants_data_step
from architect_migrate.diagnosis.diagnose import Diagnosis, Judgement, Verdict, has_row_work
from architect_migrate.diagnosis.drift import let_stand
from architect_migrate.diagnosis.positions import only_easily_lost
from architect_migrate.diagnosis.resolutions import drops
from architect_migrate.model.diff import (
    Change,
    Differs,
    Extra,
    Missing,
    OtherwiseNamed,
    Reordered,
    change_key,
    needs_repair,
)
from architect_migrate.model.facts import (
    Constraint,
    Fact,
    IndexFact,
    ObjectFact,
    TriggerFact,
    ViewFact,
    facts,
    facts_of,
    table_of,
)
from architect_migrate.model.history import History, effects, facts_at, replays, snapshots
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.later_extras import refusing_later
from architect_migrate.planning.plan import Plan, RunDataStep, RunRevision, RunRows, Stamp, Step, Work
from architect_migrate.planning.row_judgement import Ran, asks_for_data_step, not_to_run, to_run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.schema import Key, Schema
    from architect_migrate.planning.row_judgement import RowJudgement


@dataclass(frozen=True, slots=True)
class PlanGoal:
    """Where a walk leads, what a person settled on the way, and what is known of the rows that revisions change."""

    target: frozenset[str]
    resolutions: tuple[Resolution, ...]
    rows: tuple[RowJudgement, ...] = ()


@dataclass(frozen=True, slots=True)
class RepairPlanner:
    """The functions of a kind of database that plan repairs: of a table, of an object beside it, of one to drop.

    `expect` is called first, with every change that the other functions will be called for.
    """

    table: Callable[[str, tuple[Change, ...], str], Work]
    beside: Callable[[Change, str], Work]
    gone: Callable[[Extra], Work]
    expect: Callable[[Iterable[Change]], None] = lambda _changes: None


def make_plan(
    history: History, diagnosis: Diagnosis, schema: Schema, goal: PlanGoal, repair_planner: RepairPlanner
) -> Plan:
    """The steps from where a database is to the target, and what stands in the way of them."""
    target, resolutions = goal.target, goal.resolutions
    kept = let_stand(diagnosis.changes, resolutions)
    still = {change_key(change) for change, _ in kept}
    doomed = [change for change in diagnosis.changes if isinstance(change, Extra) and drops(change, resolutions)]
    still |= {change_key(change) for change in doomed}
    repairs = [change for change in diagnosis.changes if needs_repair(change) and change_key(change) not in still]
    # A constraint goes with the other edits of its table, so that the table is rebuilt once.
    repairs += [change for change in doomed if isinstance(change.fact, Constraint)]
    doomed = [change for change in doomed if not isinstance(change.fact, Constraint)]
    rest = [revision for revision in history.graph.order if revision in target - diagnosis.position]
    repairs += _needed_by_name(history, diagnosis, rest)
    repairs += refusing_later(history, diagnosis.changes, schema, diagnosis.position | {*rest}, still)
    native = native_revisions(history, diagnosis, schema, to_run(goal.rows)) - not_to_run(goal.rows)
    repairs = [change for change in repairs if not _taken_natively(history, native, change)]
    doomed = [change for change in doomed if not _taken_natively(history, native, change)]
    data = frozenset(
        each.revision.id
        for each in diagnosis.judgements
        if (wants_data_step(each) or asks_for_data_step(each.revision, resolutions))
        and lasts(history, diagnosis.position, each.revision.id)
    )
    statements = _row_steps(history, goal.rows, native)
    owners = _owners(history, diagnosis, native)
    repair_planner.expect(change for change in repairs if owners.get(change_key(change)) != "")
    walk = _Walk(repair_planner, owners, data, _writes(history), statements, repairs=repairs)
    walk.take([repair_planner.gone(change) for change in doomed])
    for judgement in diagnosis.judgements:
        if judgement.revision.id in diagnosis.position:
            walk.visit(judgement, native)
    walk.leave()
    after = diagnosis.position | target
    steps = [*walk.steps, *_ending(history, diagnosis, (rest, not_to_run(goal.rows)), after)]
    return Plan(tuple(steps), tuple(walk.blockers), kept, diagnosis.position, after)


def _taken_natively(history: History, native: frozenset[str], change: Change) -> bool:
    """Whether an extra is what a revision that is run takes away itself."""
    removed = (effects(history)[revision].removed for revision in native)
    return isinstance(change, Extra) and any(change.fact in facts_removed.values() for facts_removed in removed)


def _needed_by_name(history: History, diagnosis: Diagnosis, rest: list[str]) -> list[Change]:
    """Indexes that are there under another name, and that a revision still to be run takes away by their own.

    They are made beside the others, which can be the application's own and stay. A unique one gets the name instead:
    the revision takes it away so that values may be equal, which it would go on to forbid.
    """
    named = {k for revision in rest for k in _taken_by_name(history, revision)}
    return [
        Differs(change.fact, change.actual, ())
        if isinstance(change.actual, IndexFact) and change.actual.index.unique
        else Missing(change.fact)
        for change in diagnosis.changes
        if isinstance(change, OtherwiseNamed) and isinstance(change.fact, IndexFact) and change_key(change) in named
    ]


def _taken_by_name(history: History, revision: str) -> Iterator[Key]:
    """What a revision takes away; an index that goes with its table, which gets another name, stays."""
    its = effects(history)[revision]
    tables = {(each.old, each.new) for each in replays(history)[revision].renames if not each.table}
    for its_key, fact in its.removed.items():
        new = its.added.get(its_key)
        if new is None or not isinstance(fact, IndexFact) or (table_of(fact), table_of(new)) not in tables:
            yield its_key


def _ending(
    history: History, diagnosis: Diagnosis, ahead: tuple[list[str], frozenset[str]], after: frozenset[str]
) -> Iterable[Step]:
    """The stamp of where repair ends, the rest of the chain, and the stamp of where that ends.

    `ahead` are the revisions of the rest, and those that are only stamped.
    """
    graph, (rest, ran) = history.graph, ahead
    reached = heads(graph, diagnosis.position)
    if diagnosis.astray:
        yield Stamp(reached)
    yield from (RunRevision(revision) for revision in rest if revision not in ran)
    if rest:
        yield Stamp(heads(graph, after))


def _row_steps(
    history: History, rows: tuple[RowJudgement, ...], native: frozenset[str]
) -> dict[str, RunRevision | RunRows]:
    """How row statements are run that did not run: the revision as a whole only where it makes nothing.

    `row_findings.findings_of` reports what is wrong with running one.
    """
    wanted = to_run(rows) - native
    made = {revision for revision, its in effects(history).items() if its.added or its.removed}
    return {
        judgement.revision: RunRows(judgement.revision, judgement.statements)
        if judgement.revision in made
        else RunRevision(judgement.revision)
        for judgement in rows
        if judgement.revision in wanted
    }


def run_as_a_whole(
    history: History, diagnosis: Diagnosis, schema: Schema, rows: Iterable[RowJudgement]
) -> frozenset[str]:
    """Return the revisions that are run as a whole, or would be if a person says that their rows are to be run."""
    judged = tuple(rows)
    asked = {each.revision for each in judged if each.ran is Ran.UNKNOWN and not each.settled}
    return native_revisions(history, diagnosis, schema, to_run(judged) | asked) - (not_to_run(judged) - asked)


def native_revisions(
    history: History, diagnosis: Diagnosis, schema: Schema, asked: Collection[str] = ()
) -> frozenset[str]:
    """The revisions before the anchor that can simply be run: nothing of them is there, and nothing hinders them.

    The rows of those in `asked` are to be run, whatever a stamp says.
    """
    inside = [judgement for judgement in diagnosis.judgements if judgement.revision.id in diagnosis.position]
    missing = {judgement.revision.id for judgement in inside if _is_to_run(history, diagnosis, judgement, asked)}
    if not missing:
        return frozenset()
    expected = facts_at(history, diagnosis.position)
    there = set(facts(schema))
    found: set[str] = set()
    before: Schema | None = None
    for judgement in diagnosis.judgements:
        revision = judgement.revision.id
        if revision in missing and _runnable(history, revision, expected, there, before):
            found.add(revision)
            there |= set(effects(history)[revision].added)
        before = snapshots(history)[revision]
    return frozenset(found)


def _is_to_run(history: History, diagnosis: Diagnosis, judgement: Judgement, asked: Collection[str]) -> bool:
    """Whether nothing of a revision is there, and that says that it never ran.

    It does not where a stamp covers the revision and all that is missing of it is easily lost: then its statements on
    rows may have run, and must not run twice.
    """
    if judgement.verdict is not Verdict.MISSING:
        return False
    only_lost = only_easily_lost(judgement.absent)
    covered = judgement.revision.id in diagnosis.stamped
    if covered and judgement.left_over and not judgement.absent:
        return False  # its stamp fits with leftovers, which are kept: running it would take rows away
    is_asked = judgement.revision.id in asked
    return is_asked or not (covered and only_lost and has_row_work(history, judgement.revision.id))


def _runnable(
    history: History, revision: str, expected: Mapping[Key, Fact], there: set[Key], before: Schema | None
) -> bool:
    """Whether all of a revision's effects last, and what it alters or removes is there as it once found it."""
    its = effects(history)[revision]
    if any(expected.get(k) != fact for k, fact in its.added.items()) or not there >= set(its.removed):
        return False
    made = {k[1] for k in its.added if k[0] == "table"}
    altered = {table_of(fact) for fact in (*its.added.values(), *its.removed.values())} - made - {""}
    if not all(("table", table) in there for table in altered):
        return False
    once = facts_of(before, altered).items() if before else ()
    return all(expected.get(k) == fact for k, fact in once if k not in its.removed)


def _owners(history: History, diagnosis: Diagnosis, native: frozenset[str]) -> dict[Key, str]:
    """Which revision gave each fact the shape that it has at the position; empty for one that will simply be run."""
    found: dict[Key, str] = {}
    for revision, effect in effects(history).items():
        if revision in diagnosis.position:
            # What it takes back belongs to none any more, and is seen to when all revisions have been gone through.
            for removed in effect.removed:
                found.pop(removed, None)
            found.update(dict.fromkeys(effect.added, revision))
    return {k: "" if revision in native else revision for k, revision in found.items()}


def _writes(history: History) -> dict[str, frozenset[str]]:
    """The tables that each revision writes rows to."""
    return {revision: replayed.writes for revision, replayed in replays(history).items()}


class _Walk:
    """Collects steps while the revisions are visited; each table is worked on once, when it is first needed."""

    def __init__(
        self,
        repair_planner: RepairPlanner,
        owners: Mapping[Key, str],
        data: frozenset[str],
        writes: Mapping[str, frozenset[str]],
        statements: Mapping[str, RunRevision | RunRows],
        *,
        repairs: list[Change],
    ) -> None:
        self.repair_planner, self.owners, self.data, self.writes = repair_planner, owners, data, writes
        self.statements, self.repairs, self.by_table = statements, repairs, _by_table(repairs)
        self.owned: dict[str | None, list[Change]] = defaultdict(list)
        for repair in repairs:
            self.owned[owners.get(change_key(repair))].append(repair)
        self.steps: list[Step] = []
        self.blockers: list[Finding] = []
        self.finished: set[Key] = set()

    def visit(self, judgement: Judgement, native: frozenset[str]) -> None:
        revision = judgement.revision.id
        if revision in native or revision in self.data or revision in self.statements:
            self._make_room(revision)
        if revision in native:
            self.steps.append(RunRevision(revision))
            return
        mine = self.owned.get(revision, [])
        self._tables(_by_table(mine), self.by_table, revision)
        self._besides(mine, revision)
        if revision in self.statements:
            self.steps.append(self.statements[revision])
        if revision in self.data:
            self.steps.append(RunDataStep(revision))

    def _make_room(self, revision: str) -> None:
        """Give the tables that a revision writes to their shape before it does, so that nothing refuses its rows."""
        writes = self.writes[revision]
        self._tables(self.by_table.keys() & writes, self.by_table, revision)
        extras = (repair for repair in self.repairs if isinstance(repair, Extra))
        self._besides([change for change in extras if _table(change) in writes], revision)

    def _besides(self, changes: list[Change], revision: str) -> None:
        for change in changes:
            if _beside(change) and change_key(change) not in self.finished:
                self.finished.add(change_key(change))
                self.take([self.repair_planner.beside(change, revision)])

    def leave(self) -> None:
        """Work on what no revision owns: harmful extras of the database."""
        left = [repair for repair in self.owned.get(None, []) if change_key(repair) not in self.finished]
        tables = _by_table(left)
        self._tables(tables, tables, "")
        self._besides(left, "")

    def take(self, parts: Iterable[Work]) -> None:
        for part in parts:
            self.steps.extend(part.steps)
            self.blockers.extend(part.blockers)

    def _tables(self, tables: Iterable[str], repairs: Mapping[str, list[Change]], revision: str) -> None:
        """Everything that tables need apart from what revisions that are run bring themselves."""
        for table in sorted(tables):
            changes = tuple(
                repair
                for repair in repairs[table]
                if change_key(repair) not in self.finished and self.owners.get(change_key(repair)) != ""
            )
            self.finished |= {change_key(change) for change in changes}
            if changes:
                self.take([self.repair_planner.table(table, changes, revision)])


def _by_table(repairs: Iterable[Change]) -> dict[str, list[Change]]:
    """What is to be done to tables themselves, by their names."""
    found: dict[str, list[Change]] = defaultdict(list)
    for repair in repairs:
        if not _beside(repair):
            found[_table(repair)].append(repair)
    return found


def _beside(change: Change) -> bool:
    return not isinstance(change, Reordered) and isinstance(
        change.fact, IndexFact | TriggerFact | ViewFact | ObjectFact
    )


def _table(change: Change) -> str:
    return change.table if isinstance(change, Reordered) else table_of(change.fact)
