"""The state of an application's database at its start, as a value that it can show to an administrator."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from architect_migrate.core.errors import ArchmigError, derived

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class StartState(Enum):
    """The state of the database in a word; `Start.message` is the sentence.

    Nine are the words of `archmig status`. STAMPED has the stamp of the target and was not compared with the chain,
    UPGRADED was upgraded by this start, SKIPPED was not checked.
    """

    COULD_NOT_TELL = "could not tell"
    MISSING = "missing"
    UNINITIALISED = "uninitialised"
    UNKNOWN_STAMP = "unknown stamp"
    UNDECIDED = "undecided"
    DRIFTED = "drifted"
    UNSTAMPED = "unstamped"
    BEHIND = "behind"
    UP_TO_DATE = "up to date"
    STAMPED = "stamped"
    UPGRADED = "upgraded"
    SKIPPED = "skipped"


_WELL = frozenset({StartState.UP_TO_DATE, StartState.STAMPED, StartState.UPGRADED})
_UNFIT = frozenset(
    {
        StartState.MISSING,
        StartState.UNINITIALISED,
        StartState.UNDECIDED,
        StartState.DRIFTED,
        StartState.UNSTAMPED,
        StartState.BEHIND,
    }
)
_LISTS = ("current", "target", "pending")
_NULLABLE = frozenset({"environment", "database", "advice", "error", "backup"})


@dataclass(frozen=True, slots=True)
class Start:
    """The result of a check at an application's start. No text in it holds a secret.

    `current` are the heads of the database, by its schema if `compared`, else by its stamp; `target` those of its
    environment, and `pending` the revisions between. `breaking` and `behavioural` count differences by severity.
    `advice` is the command to run next, or empty. `error` names what made the check or the upgrade fail. `may_be_empty`
    means that the policy is to skip an empty or missing database.
    """

    state: StartState
    message: str
    environment: str = ""
    database: str = ""
    current: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    compared: bool = False
    breaking: int = 0
    behavioural: int = 0
    advice: str = ""
    error: str = ""
    backup: str = ""
    may_be_empty: bool = False
    checked_at: str = field(default="", compare=False)

    @property
    def ok(self) -> bool:
        """Whether nothing needs to be done; False also if the check failed or was skipped."""
        if self.state in {StartState.UNINITIALISED, StartState.MISSING}:
            return self.may_be_empty
        return self.state in _WELL and not self.error

    @property
    def fit(self) -> bool:
        """Whether an application that insists on its schema may start: nothing is known to be pending or drifted."""
        return self.may_be_empty or self.state not in _UNFIT

    @property
    def line(self) -> str:
        """The result as a line for a log: the environment, the message, and the command to run next."""
        text = f"{self.environment}: {self.message}" if self.environment else self.message
        return f"{text} ({self.advice})" if self.advice else text

    def as_dict(self) -> dict[str, Any]:
        """The result as plain values for JSON; docs/startup.md lists the keys."""
        values = {name: value or None if name in _NULLABLE else value for name, value in asdict(self).items()}
        del values["may_be_empty"]
        lists = {one: [*getattr(self, one)] for one in _LISTS}
        return {"ok": self.ok, **values, **lists, "state": self.state.name.lower()}


class StartRefusedError(ArchmigError, layout="{problem}"):
    """A start refused because of the database's state; `start` is the result of the check."""

    subject: str = derived("")
    start: Start
    problem: str = derived('{start.line}; on_pending = "refuse", so the application does not start')


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of a start: `word` chooses the environment (empty: the default), `policy` may be empty."""

    word: str
    config: Path | None
    policy: str
    environ: Mapping[str, str]
    cache: Path | None
    cwd: Path
