"""Whether the revisions of a position changed rows on a database: they did, they did not, or archmig cannot tell.

A schema shows no rows, so they are judged apart from it. A revision ran if a stamp covers it and the schema supports
that stamp. For the others there is other evidence: the rows of constants that a revision inserts, that no position
without it fits, or that its statements would change nothing now. Where there is none, a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.diagnosis.claims import Claim
from architect_migrate.diagnosis.data_steps import lasts, wants_data_step
from architect_migrate.diagnosis.diagnose import Basis, Judgement, Verdict, has_row_work
from architect_migrate.diagnosis.positions import borne_out, only_easily_lost
from architect_migrate.model.environment import RowAnswer, Rows
from architect_migrate.model.facts import ColumnFact, IndexFact
from architect_migrate.model.history import (
    effects,
    is_of_constants,
    is_of_rows,
    reference,
    replays,
    row_statements,
    tables_ever,
    writes_of,
)
from architect_migrate.model.revision_graph import ancestry
from architect_migrate.model.shuffles import disguised
from architect_migrate.model.stops import tables_of
from architect_migrate.planning.row_blanks import still_blank
from architect_migrate.planning.row_judgement import (
    Ran,
    RowBasis,
    RowJudgement,
    covered_rows,
    pending_rows,
    texts_of,
    to_run,
)
from architect_migrate.planning.row_places import (
    facts_found,
    filled_early,
    gone_ahead,
    lost_place,
    missing_places,
    number_filled,
    overtaken,
    refuted,
    would_alter,
)
from architect_migrate.planning.row_questions import RowsIn
from architect_migrate.planning.row_seeds import counted, is_taken, missing_seeds, seeds_found, undeleted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from architect_migrate.diagnosis.diagnose import Diagnosis
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.facts import Fact
    from architect_migrate.model.history import History, Replayed, ReplayedStatement
    from architect_migrate.model.schema import Key, Schema
    from architect_migrate.planning.cut import Cut
    from architect_migrate.planning.row_questions import Question
    from architect_migrate.planning.row_seeds import Ask

_UNSTAMPED = "no stamp says that it did not run"
_OF_SCHEMA = frozenset({"alter", "create", "drop"})


def row_judgements(
    history: History,
    schema: Schema,
    judged: tuple[Diagnosis, tuple[frozenset[str], Mapping[str, Cut]]],
    resolutions: Iterable[Resolution],
    ask: Ask,
) -> tuple[RowJudgement, ...]:
    """Judge each revision of the chain that changes rows outside of its data step.

    `judged` ends with the revisions that are known to have run to their end, by what an interrupted run left, and how
    far others came. `ask` answers questions about rows of the database; an answer that it cannot give is no evidence.
    """
    diagnosis, stopped = judged
    settled = tuple(resolutions)
    there = facts_found(schema, diagnosis)
    lost = missing_places(history, diagnosis.position, there, settled)
    ahead = gone_ahead(history, diagnosis, there, settled, stopped[1])
    evidence = _Evidence(history, diagnosis, _known(history, diagnosis), there, ask, stopped, lost, ahead)
    entries = {entry.revision: entry for entry in settled if isinstance(entry, Rows)}
    found: list[RowJudgement] = []
    # The tables that steps before a revision will write to: what is in them now says nothing of what its statements do.
    due = frozenset[str]()
    for judgement in diagnosis.judgements:
        revision = judgement.revision.id
        if has_row_work(history, revision):
            found.append(_with_entry(evidence, _judged(evidence, judgement, due), entries))
        if revision in diagnosis.position and (_is_to_come(history, diagnosis, judgement) or to_run(found[-1:])):
            due |= replays(history)[revision].writes
    return tuple(found)


def stamped_rows(history: History, position: frozenset[str]) -> tuple[RowJudgement, ...]:
    """The judgements of a database that has exactly the chain's schema at its stamp: the stamp covers the position."""
    return tuple(
        covered_rows(revision, replayed) if revision in position else pending_rows(revision, replayed)
        for revision, replayed in replays(history).items()
        if has_row_work(history, revision)
    )


def with_lacking(
    history: History, position: frozenset[str], judgements: Iterable[RowJudgement], ask: Ask
) -> tuple[RowJudgement, ...]:
    """The judgements with the rows of constants that are not there although a claim covers their revision.

    Why apart: it reads whole tables, and changes no answer.
    """
    return tuple(
        replace(judgement, lacking=missing_seeds(position, replays(history)[judgement.revision], ask))
        if judgement.basis is RowBasis.COVERED
        else judgement
        for judgement in judgements
    )


def _is_to_come(history: History, diagnosis: Diagnosis, judgement: Judgement) -> bool:
    """Whether a revision that counts as applied will be run, or its data step."""
    if judgement.verdict is Verdict.MISSING:
        return True
    return wants_data_step(judgement) and lasts(history, diagnosis.position, judgement.revision.id)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What judgements rest on; `stamp` is the position that a known stamp claims, None where there is no such stamp.

    `stopped` are revisions of which an interrupted run left nothing to be done, and how far others came. `lost` are
    tables and columns of the position that are not there, and will be made anew. `ahead` are revisions beyond it that
    may have run (see `gone_ahead`).
    """

    history: History
    diagnosis: Diagnosis
    stamp: frozenset[str] | None
    found: Mapping[Key, Fact]
    ask: Ask
    stopped: tuple[frozenset[str], Mapping[str, Cut]]
    lost: frozenset[Key]
    ahead: Mapping[str, str]

    def count(self, question: Question) -> int | None:
        """How many rows an answer counts; None where the question cannot be asked."""
        return counted(self.ask, question)


def _known(history: History, diagnosis: Diagnosis) -> frozenset[str] | None:
    """The position of a stamp that the chain knows; an empty version table claims nothing."""
    followed = diagnosis.followed
    return None if followed.problem or not followed.at else ancestry(history.graph, followed.recorded)


def _covered(evidence: _Evidence, judgement: Judgement) -> bool:
    """Whether a claim says that a revision ran, and the schema bears it out.

    An index or a trigger is dropped by hand at times: a revision of which nothing else can be seen goes by its parents,
    but not if the rows of constants that it inserts are all missing too, or if all that it removes is there, or any row
    of constants that it takes away.
    """
    history, diagnosis, revision = evidence.history, evidence.diagnosis, judgement.revision
    if judgement.claim not in {Claim.STAMPED, Claim.EXECUTED}:
        return False
    if judgement.claim is Claim.STAMPED and refuted(history, diagnosis, judgement):
        return False
    lost = only_easily_lost(judgement.absent) and not judgement.present
    if lost and judgement.left_over and len(judgement.left_over) == len(effects(history)[revision.id].removed):
        return False
    seeds = seeds_found(diagnosis.position, replays(history)[revision.id], evidence.ask) if lost else None
    if (seeds and seeds.number and not seeds.any) or (lost and _undeleted(evidence, revision.id)):
        return False
    if lost and _would_delete(evidence, revision.id):
        return False
    bearers = revision.parents if lost else (revision.id,)
    return all(borne_out(history, diagnosis.position, bearer, evidence.found) for bearer in bearers)


def _judged(evidence: _Evidence, judgement: Judgement, due: frozenset[str]) -> RowJudgement:
    revision, position = judgement.revision.id, evidence.diagnosis.position
    replayed = replays(evidence.history)[revision]
    if revision not in position:
        return _may_have_run(evidence, judgement) or pending_rows(revision, replayed)
    lost = lost_place(evidence.history, evidence.lost, judgement)
    covered = _covered(evidence, judgement)
    if covered and not lost:
        return covered_rows(revision, replayed)
    unfilled = still_blank(evidence.history, evidence.found, revision, evidence.count)
    if covered:
        ran, why = Ran.YES, "its stamp or the tracker says so"
    else:
        ran, why = _interrupted(evidence, judgement) or _answer(evidence, judgement, replayed, due, unfilled)
    if lost and ran is Ran.YES:
        ran, why = Ran.UNKNOWN, f"it ran ({why}), but {lost} is missing, to which it wrote"
    statements = texts_of(replayed)
    if revision in disguised(evidence.history):
        statements = tuple(each.text for each in replayed.statements if each.verb in {"alter", "update"})
    # Until a stamp that cannot be followed is settled, nothing is suggested: the position may be another one then.
    unfilled = "" if evidence.diagnosis.followed.problem else unfilled
    return RowJudgement(revision, ran, why, statements, bool(replayed.reads), unfilled=unfilled)


def _may_have_run(evidence: _Evidence, judgement: Judgement) -> RowJudgement | None:
    """The doubt about a pending revision that may have run before what it makes was lost; None where there is none."""
    revision = judgement.revision.id
    replayed = replays(evidence.history)[revision]
    why = _why_it_may_have_run(evidence, judgement)
    if not why or _changes_nothing(evidence, revision, replayed, frozenset()):
        return None
    return RowJudgement(revision, Ran.UNKNOWN, why, texts_of(replayed), bool(replayed.reads))


def _why_it_may_have_run(evidence: _Evidence, judgement: Judgement) -> str:
    """Why a pending revision may have run: a stamp past the position says so, or there is none, and its trace is weak.

    A stamp past the position has something missing before it. An index, trigger or view is dropped by hand at times.
    """
    history, diagnosis, revision = evidence.history, evidence.diagnosis, judgement.revision
    if judgement.claim is Claim.STAMPED:
        if refuted(history, diagnosis, judgement):
            return "its stamp says that it ran, but things that come before it are missing"
        elsewhere = judgement.verdict is Verdict.MISSING and _overtaken(evidence, revision.id)
        return f"its stamp says that it ran, and nothing of it is in the schema, but {elsewhere}" if elsewhere else ""
    if judgement.claim is not Claim.NONE:
        return ""
    if evidence.stamp is not None:
        unstamped = diagnosis.position - evidence.stamp
        early = evidence.ahead.get(revision.id) or filled_early(
            history, unstamped, evidence.found, revision.id, evidence.count
        )
        return f"the stamp stops before it, but {early}" if early else ""
    its = effects(history)[revision.id]
    if diagnosis.basis is Basis.EVIDENCE and not (its.added or its.removed):
        return f"no position fits the schema, and {_UNSTAMPED}"
    line = [effects(history)[each] for each in ancestry(history.graph, [revision.id]) - diagnosis.position]
    made = [fact for each in line for fact in each.added.values()]
    if any(each.removed for each in line) or not only_easily_lost(made):
        return ""
    return f"all that {'it makes' if len(line) == 1 else 'these revisions make'} is easily lost, and {_UNSTAMPED}"


def _interrupted(evidence: _Evidence, judgement: Judgement) -> tuple[Ran, str] | None:
    """The answer that an interrupted run of a revision gives by what it left; None if none did."""
    revision, (ended, cuts) = judgement.revision.id, evidence.stopped
    cut = cuts.get(revision)
    if revision in ended or (cut and not cut.after):
        return Ran.YES, "it was interrupted after its last row statement"
    if cut is None:
        return None
    # Where nothing else of it is to be done, such a table beside the whole one may be of another time.
    if not cut.before and (cut.is_alone or _in_part(judgement)):
        return Ran.NO, "it was interrupted before its row statements"
    return Ran.UNKNOWN, "it was interrupted, and nothing says after which of its row statements"


def _answer(
    evidence: _Evidence, judgement: Judgement, replayed: Replayed, due: frozenset[str], unfilled: str
) -> tuple[Ran, str]:
    """The first rule that holds, and its evidence."""
    position = evidence.diagnosis.position
    seeds = seeds_found(position, replayed, evidence.ask)
    if judgement.verdict is Verdict.MISSING and not judgement.left_over:
        if seeds.any:
            return Ran.UNKNOWN, f"nothing of it is in the schema, but {seeds.words}"
        if judgement.claim is Claim.STAMPED and (left := _undeleted(evidence, judgement.revision.id)):
            return Ran.UNKNOWN, f"its stamp says that it ran, and nothing of it is in the schema, but {left}"
        if judgement.claim is Claim.STAMPED and _would_delete(evidence, judgement.revision.id):
            return Ran.UNKNOWN, "its stamp says that it ran, and nothing of it is there, but it would delete rows now"
        if later := _overtaken(evidence, judgement.revision.id):
            return Ran.UNKNOWN, f"nothing of it is in the schema, but {later}"
        return Ran.NO, "nothing of it is in the schema"
    if not _leaves_something(evidence, replayed):
        return Ran.SETTLED, "later revisions drop the tables that it writes to"
    if seeds.ran:
        return _after_constants(evidence, judgement, replayed, due, seeds.words)
    if judgement.claim is Claim.SKIPPED and not seeds.any:
        return Ran.NO, "the tracker says that it was skipped"
    if not seeds.number and not unfilled and (why := _needed(evidence, judgement)):
        return Ran.YES, why
    shuffles = _shuffles(evidence, judgement.revision.id)
    if not shuffles and _changes_nothing(evidence, judgement.revision.id, replayed, due):
        return Ran.SETTLED, "its statements would change no row now"
    if seeds.number:
        return Ran.UNKNOWN, seeds.words
    return Ran.UNKNOWN, _doubt(evidence, judgement)


def _undeleted(evidence: _Evidence, revision: str) -> str:
    return undeleted(evidence.history, evidence.diagnosis.position, revision, evidence.ask)


def _would_delete(evidence: _Evidence, revision: str) -> bool:
    """Whether a revision that makes rows unique, and deletes others before, would delete some now.

    Had it run, its index would have kept them out; the rows of another deletion may have come since.
    """
    replayed, made = replays(evidence.history)[revision], effects(evidence.history)[revision].added.values()
    statements = row_statements(replayed)
    unique = {fact.index.table for fact in made if isinstance(fact, IndexFact) and fact.index.unique}
    if (
        not statements
        or not writes_of(statements) <= unique
        or replayed.reads
        or any(each.verb != "delete" or each.inexact for each in statements)
    ):
        return False
    return bool(evidence.count(would_alter(evidence.history, revision, slice(None))))


def _overtaken(evidence: _Evidence, revision: str) -> str:
    def rows_in(table: str) -> int | None:
        return evidence.count(RowsIn(table))

    return overtaken(evidence.history, evidence.diagnosis, evidence.found, revision, rows_in)


def _after_constants(
    evidence: _Evidence, judgement: Judgement, replayed: Replayed, due: frozenset[str], why: str
) -> tuple[Ran, str]:
    """The answer where all rows of constants are there: what a revision runs after them may have been interrupted."""
    statements = row_statements(replayed)
    # None where a trigger makes each of them read other rows.
    last = max((at for at, statement in enumerate(statements) if is_of_constants(statement)), default=-1)
    rest = replace(replayed, statements=statements[last + 1 :])
    is_ended = not (rest.statements or rest.reads) or _is_followed(evidence, judgement)
    if is_ended or _changes_nothing(evidence, judgement.revision.id, rest, due):
        return Ran.YES, why
    return Ran.UNKNOWN, f"{why}, but what it runs after these may not have run"


def _needed(evidence: _Evidence, judgement: Judgement) -> str:
    """Why a revision must have run: Alembic runs revisions in order, and no position without it fits the schema.

    Where none fits at all, the objects may come from anywhere, as from create_all(), and say nothing of rows.
    """
    if _is_stopped(evidence, judgement.revision.id) or not _is_sure(evidence, judgement.revision.id):
        return ""
    if _is_only_stamped(evidence, judgement) or _is_cut(evidence, judgement.revision.id):
        return ""
    # What would be no evidence for a stamp is none without one: else the next run would ask about what this one stamps.
    if not borne_out(evidence.history, evidence.diagnosis.position, judgement.revision.id, evidence.found):
        return ""
    if _in_part(judgement):
        return "what comes after it is there" if _is_followed(evidence, judgement) else ""
    return "no position without it fits the schema" if _is_ended(evidence, judgement) else ""


def _is_ended(evidence: _Evidence, judgement: Judgement) -> bool:
    """Whether something shows that a revision whose objects are all there ran to the end of its row statements.

    Else a run may have been killed after what the schema shows and before the rows, which SQLite commits later. What
    shows it is a statement on the schema after them, a column of its own that the last of them fills, or a later
    revision, though it may only have removed something.
    """
    revision, history = judgement.revision.id, evidence.history
    replayed, judgements = replays(history)[revision], evidence.diagnosis.judgements
    last = max((at for at, each in enumerate(replayed.statements) if is_of_rows(each)), default=-1)
    after = replayed.statements[last + 1 :]
    if not replayed.reads and (
        any(each.verb in _OF_SCHEMA for each in after) or _fills(evidence, revision, replayed.statements[last])
    ):
        return True
    removed = [
        each.revision.id for each in judgements if effects(history)[each.revision.id].removed and not each.left_over
    ]
    later = (each for each in removed if each != revision and each in evidence.diagnosis.surely)
    return _is_followed(evidence, judgement) or revision in ancestry(history.graph, later)


def _fills(evidence: _Evidence, revision: str, statement: ReplayedStatement) -> bool:
    """Whether a statement sets a column that the revision adds to a table, and something is in it."""
    added = effects(evidence.history)[revision].added
    facts_there = [evidence.found.get(its_key) for its_key in added]
    return any(
        fact.column.name in statement.columns and number_filled(evidence.count, fact.table, fact.column)
        for fact in facts_there
        if isinstance(fact, ColumnFact) and fact.table in statement.writes and ("table", fact.table) not in added
    )


def _is_cut(evidence: _Evidence, revision: str) -> bool:
    """Whether a revision may have been interrupted, or not reached.

    A table is there that it makes on its way; or an earlier revision was interrupted, and a table is missing since.
    """
    before = ancestry(evidence.history.graph, (revision,)) - {revision}
    on_its_way = any(("table", one.name) in evidence.found for one in replays(evidence.history)[revision].passing)
    is_short = any(cut.is_alone and interrupted in before for interrupted, cut in evidence.stopped[1].items())
    return on_its_way or is_short


def _is_sure(evidence: _Evidence, revision: str) -> bool:
    return evidence.diagnosis.basis is not Basis.EVIDENCE and revision in evidence.diagnosis.surely


def _is_only_stamped(evidence: _Evidence, judgement: Judgement) -> bool:
    """Whether nothing but a stamp says that a revision is in every position that fits, and the schema does not."""
    by_stamp = evidence.diagnosis.basis in {Basis.STAMP, Basis.INCOMPLETE_STAMP, Basis.DRIFTED_STAMP}
    return by_stamp and judgement.claim is Claim.STAMPED


def _is_stopped(evidence: _Evidence, revision: str) -> bool:
    """Whether a known stamp stops before a revision."""
    return evidence.stamp is not None and revision not in evidence.stamp


def _doubt(evidence: _Evidence, judgement: Judgement) -> str:
    """Why nothing tells whether the row statements of a revision without constants ran."""
    revision = judgement.revision.id
    if judgement.claim is Claim.STAMPED:
        return "its stamp says that it ran, and the schema does not support that"
    if revision not in evidence.diagnosis.surely:
        return "the schema looks the same with and without it, and no stamp says that it ran"
    if _is_stopped(evidence, revision):
        return "the stamp stops before it, but the schema has what it makes or what comes after it"
    if _is_sure(evidence, revision) and _in_part(judgement):
        return "a part of it is in the schema, and no stamp says that the rest ran"
    if _is_sure(evidence, revision):
        return "its objects are there, and no stamp says that its statements ran"
    return "the schema is that of no position, so that its objects may be there without its rows"


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


def _leaves_something(evidence: _Evidence, replayed: Replayed) -> bool:
    """Whether a table that a revision writes to is there at the position, or goes on under another name.

    A view stands for the tables to which its triggers bring what is written to it. A table that the chain never has
    may be the database's own.
    """
    there = reference(evidence.history, evidence.diagnosis.position)
    tables = {table.name for table in there.tables} | {view.name for view in there.views}
    renamed = {rename.old for one in evidence.history.replayed for rename in one.renames if not rename.table}
    written = writes_of(row_statements(replayed))
    own = (table for table in written - tables_ever(evidence.history) if evidence.count(RowsIn(table)) is not None)
    return bool(replayed.reads) or bool((written | tables_of(replayed.stops)) & (tables | renamed)) or any(own)


def _shuffles(evidence: _Evidence, revision: str) -> bool:
    """Whether a revision gives values another column, without a trace in the schema, and there are any."""
    tables = tables_of(replays(evidence.history)[revision].stops)
    there = (table for table in tables if ("table", table) in evidence.found)
    return revision in disguised(evidence.history) and any(evidence.count(RowsIn(table)) != 0 for table in there)


def _changes_nothing(evidence: _Evidence, revision: str, replayed: Replayed, due: frozenset[str]) -> bool:
    """Whether the last row statements of a revision, those in `replayed`, would change no value if they ran now.

    Code that looks into tables does nothing where these are empty. Tables in `due` will be written to before.
    """
    statements = row_statements(replayed)
    written = writes_of(statements)
    read = replayed.reads.union(*(statement.reads for statement in statements))
    if due & (written | read) or any(evidence.count(RowsIn(table)) != 0 for table in replayed.reads):
        return False
    if not statements:
        return True
    # A text that shows a value only in part would be tried with another value.
    if any(statement.inexact for statement in statements):
        return False
    return evidence.count(would_alter(evidence.history, revision, slice(-len(statements), None))) == 0


def _with_entry(evidence: _Evidence, judgement: RowJudgement, entries: Mapping[str, Rows]) -> RowJudgement:
    entry = entries.get(judgement.revision)
    if entry is None or judgement.basis is RowBasis.COVERED:
        return judgement
    if judgement.basis is RowBasis.PENDING:
        its, taken = effects(evidence.history)[judgement.revision], "rows that it inserts have keys of others"
        if its.added or its.removed or entry.answer is RowAnswer.RUN:
            return judgement
        if not is_taken(replays(evidence.history)[judgement.revision], evidence.ask):
            return judgement
        judgement = replace(judgement, ran=Ran.UNKNOWN, evidence=taken, basis=RowBasis.EVIDENCE)
    return replace(judgement, settled=entry)
