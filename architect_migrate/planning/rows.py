"""Whether the revisions of a position changed rows on a database: they did, they did not, or archmig cannot tell.

A schema shows no rows, so they are judged apart from it. A revision ran if a stamp covers it and the schema supports
that stamp. For the others there is other evidence: the rows of constants that a revision inserts, that no position
without it fits, or that its statements would change nothing now. Where there is none, a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.core.text import pluralize
from architect_migrate.diagnosis.claims import Claim, stamp_problem
from architect_migrate.diagnosis.data_steps import lasts
from architect_migrate.diagnosis.diagnose import Judgement, Verdict, has_row_work
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.positions import borne_out, is_easily_lost
from architect_migrate.model.environment import RowAnswer, Rows
from architect_migrate.model.facts import facts
from architect_migrate.model.history import effects, reference, replays, row_statements
from architect_migrate.model.revision_graph import ancestry
from architect_migrate.planning.row_questions import Alters, RowsIn, RowsLike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from architect_migrate.diagnosis.claims import Claims
    from architect_migrate.diagnosis.diagnose import Diagnosis
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.facts import Fact
    from architect_migrate.model.history import History, Replayed, SeedRow
    from architect_migrate.model.schema import Key, Schema
    from architect_migrate.planning.row_questions import Answer, Question

    Ask = Callable[[Question], Answer]


ROWS_UNDECIDED = "rows-undecided"
# Statements that a finding shows.
_SHOWN = 3


class Ran(Enum):
    """Whether the row statements of a revision ran on a database; SETTLED: it makes no difference to its rows."""

    YES = "ran"
    NO = "did not run"
    SETTLED = "changes nothing"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class RowJudgement:
    """The answer for one revision, with its evidence in words, and the entry by which a person settled it.

    `statements` are the texts of its row statements; `loops` says that its code also looked into tables, so that it may
    write more than these.
    """

    revision: str
    ran: Ran
    evidence: str
    statements: tuple[str, ...] = ()
    loops: bool = False
    settled: Rows | None = field(default=None, compare=False)


def row_judgements(
    history: History,
    schema: Schema,
    judged: tuple[Diagnosis, Claims],
    resolutions: Iterable[Resolution],
    ask: Ask,
) -> tuple[RowJudgement, ...]:
    """Judge the revisions of a position that change rows and that no claim covers which the schema supports.

    `ask` answers questions about rows of the database; an answer that it cannot give is no evidence.
    """
    diagnosis, claims = judged
    evidence = _Evidence(history, diagnosis, _known(history, claims), facts(schema), ask)
    entries = {entry.revision: entry for entry in resolutions if isinstance(entry, Rows)}
    return tuple(
        _with_entry(_judged(evidence, judgement), entries)
        for judgement in diagnosis.judgements
        if judgement.revision.id in diagnosis.position
        and has_row_work(history, judgement.revision.id)
        and not _covered(evidence, judgement)
    )


def to_run(judgements: Iterable[RowJudgement]) -> frozenset[str]:
    """The revisions whose row statements are to be run: those that did not run, and those that a person says so of."""
    return frozenset(
        judgement.revision
        for judgement in judgements
        if (judgement.settled.answer is RowAnswer.RUN if judgement.settled else judgement.ran is Ran.NO)
    )


def findings_of(
    history: History,
    position: frozenset[str],
    native: frozenset[str],
    judgements: Iterable[RowJudgement],
    shown: Callable[[str], str],
) -> Iterator[Finding]:
    """What is said of the rows of revisions. `native` are those that are run as a whole.

    `shown` makes a statement fit to be shown, without its literals.
    """
    for judgement in judgements:
        if problem := _cannot_run(history, position, native, judgement):
            yield _blocking(judgement, problem, shown, ("done", "skip"))
        elif judgement.settled:
            words = f"settled as {judgement.settled.answer.value} by {judgement.settled.origin.words}"
            because = f": {judgement.settled.reason}" if judgement.settled.reason else ""
            yield Finding(Level.NOTE, "rows-settled", judgement.revision, words + because, "", judgement.revision)
        elif judgement.ran is Ran.UNKNOWN:
            yield _blocking(judgement, judgement.evidence, shown, ("run", "done", "skip"))
        else:
            found = f"its row statements: {judgement.ran.value}, since {judgement.evidence}"
            yield Finding(Level.NOTE, _CODES[judgement.ran], judgement.revision, found, "", judgement.revision)


_CODES = {Ran.YES: "rows-ran", Ran.NO: "rows-missing", Ran.SETTLED: "rows-unchanged"}
_MEANING = {
    "run": "runs its statements",
    "done": "says that the rows are as it leaves them",
    "skip": "leaves the rows as they are",
}


def _blocking(judgement: RowJudgement, why: str, shown: Callable[[str], str], answers: tuple[str, ...]) -> Finding:
    """The finding that stops a run until a person has settled the rows of a revision."""
    texts = [shown(text) for text in judgement.statements[:_SHOWN]]
    more = len(judgement.statements) - len(texts)
    texts += [f"and {pluralize(more, 'more statement')}"] if more else []
    texts += ["code that writes what it finds in tables"] if judgement.loops else []
    found = f"cannot tell whether its rows are there: {why} ({'; '.join(texts)})"
    options = ", ".join(f"{answer} {_MEANING[answer]}" for answer in answers)
    advice = f"look at the rows, then archmig reconcile --rows {judgement.revision}={'|'.join(answers)}: {options}"
    return Finding(Level.BLOCKING, ROWS_UNDECIDED, judgement.revision, found, advice, judgement.revision)


def _cannot_run(history: History, position: frozenset[str], native: frozenset[str], judgement: RowJudgement) -> str:
    """Why the statements of a revision that is to be run cannot be run by themselves; empty where they can."""
    if judgement.revision not in to_run([judgement]) - native:
        return ""
    its = effects(history)[judgement.revision]
    if judgement.loops and (its.added or its.removed):
        return "its code writes what it finds in tables, and cannot be run apart from the rest of upgrade()"
    return "" if lasts(history, position, judgement.revision) else "a later revision changed the tables it writes to"


def not_to_run(judgements: Iterable[RowJudgement]) -> frozenset[str]:
    """The revisions that must not be run as a whole, since their row statements ran, or may have."""
    judged = tuple(judgements)
    return frozenset(
        judgement.revision for judgement in judged if judgement.settled or judgement.ran is Ran.UNKNOWN
    ) - to_run(judged)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What judgements rest on; `stamp` is the position that a known stamp claims, None where there is no such stamp."""

    history: History
    diagnosis: Diagnosis
    stamp: frozenset[str] | None
    found: Mapping[Key, Fact]
    ask: Ask

    def count(self, question: Question) -> int | None:
        """How many rows an answer counts; None where the question cannot be asked."""
        try:
            return self.ask(question).count
        except QuestionError:
            return None


def _known(history: History, claims: Claims) -> frozenset[str] | None:
    """The position of a stamp that the chain knows; an empty version table claims nothing."""
    if not claims.stamp or stamp_problem(history.graph, claims.stamp):
        return None
    return ancestry(history.graph, claims.stamp)


def _covered(evidence: _Evidence, judgement: Judgement) -> bool:
    """Whether a claim says that a revision ran, and the schema bears it out.

    An index or a trigger is dropped by hand at times: a revision of which nothing else can be seen goes by its parents.
    """
    history, diagnosis, revision = evidence.history, evidence.diagnosis, judgement.revision
    if judgement.claim not in {Claim.STAMPED, Claim.EXECUTED}:
        return False
    lost = bool(judgement.absent) and all(map(is_easily_lost, judgement.absent)) and not judgement.present
    bearers = revision.parents if lost else (revision.id,)
    return all(borne_out(history, diagnosis.position, bearer, evidence.found) for bearer in bearers)


def _judged(evidence: _Evidence, judgement: Judgement) -> RowJudgement:
    revision = judgement.revision.id
    replayed = replays(evidence.history)[revision]
    ran, why = _answer(evidence, judgement, replayed)
    statements = tuple(statement.text for statement in row_statements(replayed))
    return RowJudgement(revision, ran, why, statements, bool(replayed.reads))


def _answer(evidence: _Evidence, judgement: Judgement, replayed: Replayed) -> tuple[Ran, str]:
    """The first rule that holds, and its evidence."""
    revision, position = judgement.revision.id, evidence.diagnosis.position
    seeds = [seed for seed in replayed.seeds if seed.until not in position]
    there = [seed for seed in seeds if evidence.count(_like(seed))]
    if judgement.verdict is Verdict.MISSING and not judgement.left_over:
        if there:
            return Ran.UNKNOWN, f"nothing of it is in the schema, but {_of(there, seeds)} are there"
        return Ran.NO, "nothing of it is in the schema"
    if not _leaves_something(evidence, replayed):
        return Ran.SETTLED, "later revisions drop the tables that it writes to"
    if seeds and len(there) == len(seeds):
        return Ran.YES, f"{_of(there, seeds)} are there"
    if judgement.claim is Claim.SKIPPED and not there:
        return Ran.NO, "the tracker says that it was skipped"
    stopped = evidence.stamp is not None and revision not in evidence.stamp
    sure = revision in evidence.diagnosis.surely
    if not seeds and sure and not stopped:
        if not _in_part(judgement):
            return Ran.YES, "no position without it fits the schema"
        if _is_followed(evidence, judgement):
            return Ran.YES, "what comes after it is there"
    if _changes_nothing(evidence, replayed):
        return Ran.SETTLED, "its statements would change no row now"
    if seeds:
        return Ran.UNKNOWN, f"{_of(there, seeds)} are there"
    if stopped and sure:
        return Ran.UNKNOWN, "the stamp stops before it, but the schema has what it makes or what comes after it"
    if sure:
        return Ran.UNKNOWN, "a part of it is in the schema, and no stamp says that the rest ran"
    return Ran.UNKNOWN, "the schema looks the same with and without it, and no stamp says that it ran"


def _in_part(judgement: Judgement) -> bool:
    """Whether something of a revision is missing: it may have been interrupted."""
    return bool(judgement.absent or judgement.differing or judgement.left_over)


def _is_followed(evidence: _Evidence, judgement: Judgement) -> bool:
    """Whether something of a later revision is there: only the last one that began can have been interrupted."""
    others = [
        other.revision.id
        for other in evidence.diagnosis.judgements
        if other.present and other is not judgement and other.revision.id in evidence.diagnosis.surely
    ]
    return judgement.revision.id in ancestry(evidence.history.graph, others)


def _like(seed: SeedRow) -> RowsLike:
    return RowsLike(seed.table, tuple(zip(seed.columns, seed.values, strict=True)))


def _of(there: list[SeedRow], seeds: list[SeedRow]) -> str:
    return f"{len(there):,} of the {pluralize(len(seeds), 'row')} that it inserts"


def _leaves_something(evidence: _Evidence, replayed: Replayed) -> bool:
    """Whether a table that a revision writes to is there at the position, or goes on under another name."""
    tables = {table.name for table in reference(evidence.history, evidence.diagnosis.position).tables}
    renamed = {rename.old for one in evidence.history.replayed for rename in one.renames if not rename.table}
    written = frozenset[str]().union(*(statement.writes for statement in row_statements(replayed)))
    return bool(replayed.reads) or bool(written & (tables | renamed))


def _changes_nothing(evidence: _Evidence, replayed: Replayed) -> bool:
    """Whether the row statements of a revision, run now, would change no value.

    Code that looks into tables does nothing where these are empty.
    """
    if any(evidence.count(RowsIn(table)) != 0 for table in replayed.reads):
        return False
    statements = row_statements(replayed)
    if not statements:
        return True
    table = min(frozenset[str]().union(*(statement.writes for statement in statements)))
    return evidence.count(Alters(table, tuple(statement.text for statement in statements))) == 0


def _with_entry(judgement: RowJudgement, entries: Mapping[str, Rows]) -> RowJudgement:
    entry = entries.get(judgement.revision)
    return replace(judgement, settled=entry) if entry else judgement
