"""The answer to whether a revision changed the rows of a database, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from architect_migrate.model.environment import RowAnswer, Rows
from architect_migrate.model.history import effects, row_statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.history import History, Replayed
    from architect_migrate.model.revision_graph import Revision


class RowBasis(Enum):
    """What an answer about rows rests on: a claim that covers the revision, what is pending, or other evidence."""

    COVERED = "covered"
    PENDING = "pending"
    EVIDENCE = "evidence"


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
    write more than these. `unfilled` says what the revision made for these rows and is still as it was made: where
    archmig cannot tell, this suggests the answer `run`. `lacking` says which rows of constants are not there although a
    claim covers the revision.
    """

    revision: str
    ran: Ran
    evidence: str
    statements: tuple[str, ...] = ()
    loops: bool = False
    basis: RowBasis = RowBasis.EVIDENCE
    unfilled: str = ""
    lacking: str = ""
    settled: Rows | None = field(default=None, compare=False)

    @property
    def suggestion(self) -> RowAnswer | None:
        """The answer that the evidence suggests to a person, if any."""
        return RowAnswer.RUN if self.ran is Ran.UNKNOWN and self.unfilled else None


def pending_rows(revision: str, replayed: Replayed) -> RowJudgement:
    """Return the judgement of a revision that is still to run."""
    return RowJudgement(revision, Ran.NO, "it is pending", texts_of(replayed), bool(replayed.reads), RowBasis.PENDING)


def covered_rows(revision: str, replayed: Replayed) -> RowJudgement:
    """Return the judgement of a revision that a claim covers."""
    why = "its stamp or the tracker says so, and the schema supports it"
    return RowJudgement(revision, Ran.YES, why, texts_of(replayed), bool(replayed.reads), RowBasis.COVERED)


def texts_of(replayed: Replayed) -> tuple[str, ...]:
    """Return the texts of a revision's row statements."""
    return tuple(statement.text for statement in row_statements(replayed))


def to_run(judgements: Iterable[RowJudgement]) -> frozenset[str]:
    """The revisions whose row statements are to be run: those that did not run, and those that a person says so of."""
    return frozenset(
        judgement.revision
        for judgement in judgements
        if judgement.basis is RowBasis.EVIDENCE
        and (judgement.settled.answer is RowAnswer.RUN if judgement.settled else judgement.ran is Ran.NO)
    )


def told_of_pending(history: History, judgements: Iterable[RowJudgement], position: frozenset[str]) -> frozenset[str]:
    """The revisions in doubt outside a position of which a person says that their rows are there, or not to come.

    One that leaves no trace in a schema has nothing to be made, and is only left out.
    """
    its = effects(history)
    return frozenset(
        judgement.revision
        for judgement in judgements
        if judgement.ran is Ran.UNKNOWN
        and judgement.revision not in position
        and (its[judgement.revision].added or its[judgement.revision].removed)
        and judgement.settled
        and judgement.settled.answer is not RowAnswer.RUN
    )


def asks_for_data_step(revision: Revision, resolutions: Iterable[Resolution]) -> bool:
    """Whether a person wants a data step run: it can be repeated, so nothing has to be known of its rows."""
    answers = (entry for entry in resolutions if isinstance(entry, Rows) and entry.revision == revision.id)
    return bool(revision.data_step) and any(entry.answer is RowAnswer.RUN for entry in answers)


def not_to_run(judgements: Iterable[RowJudgement]) -> frozenset[str]:
    """The revisions that must not be run as a whole, since their row statements ran, or may have."""
    judged = tuple(judgements)
    return frozenset(
        judgement.revision
        for judgement in judged
        if judgement.settled or judgement.ran is Ran.UNKNOWN or judgement.ran is Ran.YES
    ) - to_run(judged)
