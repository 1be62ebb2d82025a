"""The answer to whether a revision changed the rows of a database, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from architect_migrate.model.environment import RowAnswer, Rows


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
