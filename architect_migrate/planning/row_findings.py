"""Findings about the rows that revisions change, and the questions about them that only a person can answer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from architect_migrate.core.text import pluralize
from architect_migrate.diagnosis.data_steps import changed_since
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.environment import RowAnswer
from architect_migrate.model.history import effects, replays, row_statements
from architect_migrate.model.shuffles import disguised
from architect_migrate.planning.row_judgement import Ran, RowBasis, RowJudgement, to_run
from architect_migrate.planning.row_order import run_before

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from architect_migrate.model.history import History

ROWS_UNDECIDED = "rows-undecided"
# Statements that a finding shows.
_SHOWN = 3


def unsettled(
    history: History, position: frozenset[str], whole: frozenset[str], judgements: Iterable[RowJudgement]
) -> Iterator[RowQuestion]:
    """The questions that stop a run until a person answers them.

    `whole` are the revisions that are run as a whole, or would be if a person says that their rows are to be run.
    """
    judged = tuple(judgements)
    ran = {one.revision for one in judged if _has_run(one)}
    for judgement in judged:
        if judgement.basis is not RowBasis.EVIDENCE:
            continue
        obstacle = "" if judgement.revision in whole else _obstacle(history, position, judgement, ran & position)
        told = f"its row statements cannot be run by themselves: {obstacle}" if obstacle else ""
        if judgement.revision in to_run([judgement]) and obstacle:
            yield RowQuestion(judgement, told, _WITHOUT_RUN)
        elif judgement.ran is Ran.UNKNOWN and not judgement.settled:
            why = f"cannot tell whether its rows are there: {judgement.evidence}"
            if obstacle:
                yield RowQuestion(judgement, f"{why}; {told}", _WITHOUT_RUN)
            else:
                hint = f"; {judgement.unfilled}, which suggests run" if judgement.suggestion else ""
                yield RowQuestion(judgement, f"{why}{hint}", tuple(RowAnswer))


@dataclass(frozen=True, slots=True)
class RowQuestion:
    """A question about the rows of a revision: what stands in the way, and the answers that a person can give."""

    judgement: RowJudgement
    why: str
    answers: tuple[RowAnswer, ...]


_WITHOUT_RUN = (RowAnswer.DONE, RowAnswer.SKIP)


def findings_of(
    history: History,
    position: frozenset[str],
    whole: frozenset[str],
    judgements: tuple[RowJudgement, ...],
    shown: Callable[[str], str],
) -> Iterator[Finding]:
    """What is said of the rows of revisions. `whole` are those that are run as a whole, or would be.

    `shown` makes a statement fit to be shown, without its literals.
    """
    asked = {question.judgement.revision: question for question in unsettled(history, position, whole, judgements)}
    for judgement in judgements:
        revision = judgement.revision
        if revision in asked:
            yield _blocking(asked[revision], shown)
        elif judgement.settled:
            words = f"settled as {judgement.settled.answer.value} by {judgement.settled.origin.words}"
            because = f": {judgement.settled.reason}" if judgement.settled.reason else ""
            yield Finding(Level.NOTE, "rows-settled", revision, words + because, "", revision)
        elif judgement.basis is RowBasis.EVIDENCE:
            found = f"its row statements: {judgement.ran.value}, since {judgement.evidence}"
            yield Finding(Level.NOTE, _CODES[judgement.ran], revision, found, "", revision)


def lacking_of(judgements: Iterable[RowJudgement]) -> Iterator[Finding]:
    """The notes of rows of constants that are not there although a claim covers their revision."""
    for judgement in judgements:
        if judgement.lacking:
            found, revision = f"{judgement.lacking}, {_MAY_BE_DELETED}", judgement.revision
            yield Finding(Level.NOTE, "rows-lacking", revision, found, "", revision)


_MAY_BE_DELETED = "though its stamp or tracker says that it ran: they may have been deleted since"
_CODES = {Ran.YES: "rows-ran", Ran.NO: "rows-missing", Ran.SETTLED: "rows-unchanged"}
MEANING = {
    RowAnswer.RUN: "runs its statements",
    RowAnswer.DONE: "says that the rows are as it leaves them",
    RowAnswer.SKIP: "leaves the rows as they are",
}


def statements_of(judgement: RowJudgement, shown: Callable[[str], str], most: int) -> Iterator[str]:
    """What a revision does to rows, in at most so many statements: without their literals, by `shown`."""
    yield from (shown(text) for text in judgement.statements[:most])
    if more := len(judgement.statements[most:]):
        yield f"and {pluralize(more, 'more statement')}"
    if judgement.loops:
        yield "code that writes what it finds in tables"


def _blocking(question: RowQuestion, shown: Callable[[str], str]) -> Finding:
    """The finding that stops a run until a person has settled the rows of a revision."""
    judgement = question.judgement
    found = f"{question.why} ({'; '.join(statements_of(judgement, shown, _SHOWN))})"
    answers = "|".join(answer.value for answer in question.answers)
    options = ", ".join(f"{answer.value} {MEANING[answer]}" for answer in question.answers)
    advice = f"look at the rows, then archmig reconcile --rows {judgement.revision}={answers}: {options}"
    return Finding(Level.BLOCKING, ROWS_UNDECIDED, judgement.revision, found, advice, judgement.revision)


def _has_run(judgement: RowJudgement) -> bool:
    return judgement.settled.answer is RowAnswer.DONE if judgement.settled else judgement.ran is Ran.YES


def _obstacle(history: History, position: frozenset[str], judgement: RowJudgement, ran: Collection[str]) -> str:
    """Why the statements of a revision cannot be run by themselves; empty where they can.

    `ran` are revisions whose row statements ran.
    """
    its = effects(history)[judgement.revision]
    if judgement.revision not in position:  # it is run in its turn
        return ""
    if judgement.revision in disguised(history) and (its.added or its.removed):
        return "it gives values another column, and cannot be run apart from the rest of upgrade()"
    if any(each.inexact for each in row_statements(replays(history)[judgement.revision])):
        return "a value that it writes is known only in part, as a float of more than fifteen digits is"
    if judgement.loops and (its.added or its.removed):
        return "its code writes what it finds in tables, and cannot be run apart from the rest of upgrade()"
    if gone := _taken_away(history, judgement.revision):
        return f"it takes {gone} away itself, which they use"
    return changed_since(history, position, judgement.revision) or run_before(history, judgement.revision, ran)


def _taken_away(history: History, revision: str) -> str:
    """What of the tables and columns that a revision's row statements use it takes away; empty if nothing."""
    replayed, removed = replays(history)[revision], effects(history)[revision].removed
    for each in row_statements(replayed):
        tables = each.writes | each.reads
        for its_key in sorted(removed):
            is_column = its_key[0] == "column" and its_key[1:] in {*each.looks, *product(each.writes, each.columns)}
            if is_column or (its_key[0] == "table" and its_key[1] in tables):
                return f"{its_key[0]} {'.'.join(its_key[1:])}"
    return ""
