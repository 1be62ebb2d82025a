"""What was seen of one environment, and what came of an action on it, as values: faces print them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import InterruptedAtError
from architect_migrate.core.errors import ArchmigError, StoppedError
from architect_migrate.core.text import pluralize
from architect_migrate.diagnosis.findings import STAMP_UNKNOWN, Level
from architect_migrate.model.detail import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.diagnosis.claims import Claims
    from architect_migrate.diagnosis.diagnose import Diagnosis
    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.model.diff import Change
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.look import Interruption
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.row_judgement import RowJudgement


class State(Enum):
    """The state of a database in a word; of those that hold, the first of this order."""

    COULD_NOT_TELL = "could not tell"
    MISSING = "missing"
    UNINITIALISED = "uninitialised"
    UNKNOWN_STAMP = "unknown stamp"
    UNDECIDED = "undecided"
    DRIFTED = "drifted"
    UNSTAMPED = "unstamped"
    BEHIND = "behind"
    UP_TO_DATE = "up to date"


_SERIOUS = tuple(severity.value for severity in Severity if severity.needs_repair)
# Nothing of the chain is there.
EMPTY = frozenset({State.MISSING, State.UNINITIALISED})
# The schema is what the chain makes at the stamp.
AS_STAMPED = frozenset({State.BEHIND, State.UP_TO_DATE})
# The schema or the stamp is not what the chain makes: `reconcile` is for these, `upgrade` refuses them.
DEPARTED = frozenset({State.UNKNOWN_STAMP, State.UNDECIDED, State.DRIFTED, State.UNSTAMPED})


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a run leaves behind in a database and can find again without reading rows.

    `schema` is the digest of all stored texts but those of the tables `without`, `counter` how often SQLite has changed
    the schema of this file, `highest` the highest id that each table with AUTOINCREMENT has given out.
    """

    schema: str
    without: tuple[str, ...]
    counter: int
    highest: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen of a database in one moment.

    `exists` is whether there is a file, `position` what is applied by the evidence, `claims` what the database says of
    itself, `pending` the revisions between position and target, `drift` how many differences of each severity there are
    (those that a [[resolve]] entry allows are counted as `kept`). `diagnosis` is None where a digest told it all:
    then the database has exactly the chain's schema. `fingerprint` is None where there is no database, or no ledger to
    compare with. `unsynced` are the numbers of the legacy tracker's rows that are to be corrected, where that is asked
    for and the rest is well. `interrupted` is what interrupted runs left behind: `schema` shows it put in order.
    `due` are the revisions between position and the environment's own target, None where `pending` are these. `rows`
    are the judgements of revisions that change rows; empty where a digest told it all and nothing asked for them.
    `served` says that the database is on a server.
    """

    exists: bool
    claims: Claims
    position: frozenset[str]
    pending: tuple[str, ...]
    drift: Mapping[str, int]
    findings: tuple[Finding, ...] = ()
    schema: Schema | None = None
    diagnosis: Diagnosis | None = None
    kept: tuple[tuple[Change, Resolution], ...] = ()
    fingerprint: Fingerprint | None = None
    unsynced: tuple[str, ...] = ()
    interrupted: tuple[Interruption, ...] = ()
    due: tuple[str, ...] | None = None
    rows: tuple[RowJudgement, ...] = ()
    served: bool = False

    @property
    def likeness(self) -> str:
        """How a schema that needs no repair is that of the chain at its position, in words."""
        kept = self.drift.get("kept", 0)
        said = "as the chain makes it"
        return f"{said}, but for {pluralize(kept, 'difference')} that [[resolve]] allows" if kept else said

    @property
    def state(self) -> State:
        """The state of the database: the only place that decides it."""
        if not self.exists:
            return State.MISSING
        # Beside rows that an interrupted run left, a database without a table of the chain is not one to be built.
        if not self.position and not self.claims.stamp and not self.interrupted:
            return State.UNINITIALISED
        blocking = {finding.code for finding in self.findings if finding.level is Level.BLOCKING}
        if blocking:
            return State.UNKNOWN_STAMP if STAMP_UNKNOWN in blocking else State.UNDECIDED
        astray = self.diagnosis is not None and self.diagnosis.astray
        if self.interrupted or any(self.drift.get(word) for word in _SERIOUS) or (astray and self.claims.stamp):
            return State.DRIFTED
        if astray:
            return State.UNSTAMPED
        return State.BEHIND if (self.pending if self.due is None else self.due) else State.UP_TO_DATE


class Outcome(Enum):
    """How an action ended on one environment."""

    DONE = "done"
    NOTHING = "nothing to do"
    PLANNED = "planned"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows that a downgrade takes away: of a table as a whole, or the values of a `column` that are not NULL.

    `unless` is the table or column that a revision brought them from, to which its downgrade() may bring them back.
    """

    table: str
    rows: int
    column: str = ""
    unless: str = ""

    @property
    def subject(self) -> str:
        """The object that loses them, in words."""
        return f"column {self.table}.{self.column}" if self.column else f"table {self.table}"

    @property
    def amount(self) -> str:
        """The number of rows or values, in words."""
        return pluralize(self.rows, "value" if self.column else "row")

    @property
    def condition(self) -> str:
        """What keeps them, in words that follow the rest; empty if nothing does."""
        return f", unless its downgrade() brings them back to {self.unless}" if self.unless else ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done and proven.

    `tables` and `rows` count what was there before and is there, `gone` the rows that are not, `kept` says it in words.
    `compared` counts the tables whose rows were compared value by value
    (those that anything wrote to); `orphans` is how many rows referred to nothing before, and after. `facts` are
    what else the ledger keeps of it, `number` is that of its entry there (0: it could not be entered).
    """

    came_from: tuple[str, ...]
    arrived_at: tuple[str, ...]
    steps: tuple[str, ...]
    seconds: float
    backup: str
    tables: int
    rows: int
    compared: int
    digests: tuple[tuple[str, str], ...]
    orphans: tuple[int, int]
    facts: tuple[tuple[str, str], ...] = ()
    number: int = 0
    gone: int = 0
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One environment's part in an action. `detail` is the line that says why; `error` what failed, if anything.

    `rehearsal` is the number of the rehearsal that the plan has had, 0 for none.
    """

    environment: str
    database: str
    action: str
    outcome: Outcome
    detail: str = ""
    survey: Survey | None = None
    plan: Plan | None = None
    losses: tuple[Loss, ...] = ()
    receipt: Receipt | None = None
    error: ArchmigError | None = None
    warnings: tuple[str, ...] = ()
    rehearsal: int = 0

    @property
    def state(self) -> State:
        """The state of the database before the action."""
        return self.survey.state if self.survey else State.COULD_NOT_TELL


@dataclass(frozen=True, slots=True)
class Checked:
    """How a check came out: `words` are why each environment is not clean, empty where it is or archmig cannot tell."""

    results: tuple[Result, ...]
    words: tuple[str, ...]
    graph: RevisionGraph
    exit_code: int


def exit_code(results: tuple[Result, ...]) -> int:
    """0: done or clean; 1: differences remain; 2: something could not be done; 130: Ctrl-C stopped it."""
    if any(isinstance(result.error, StoppedError | InterruptedAtError) for result in results):
        return 130
    outcomes = {result.outcome for result in results}
    if Outcome.FAILED in outcomes:
        return 2
    return 1 if outcomes & {Outcome.BLOCKED, Outcome.PLANNED} else 0
