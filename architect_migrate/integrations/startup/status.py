"""What an application is told of its database when it starts, as a value that it can show to an administrator."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from architect_migrate.core.errors import ArchmigError, derived

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class StartState(Enum):
    """Where the database stands, in a word; `Start.message` says it in a sentence.

    AT_TARGET was compared with the chain and is as the chain makes it. STAMPED claims to be there and was not compared.
    """

    AT_TARGET = "at target"
    STAMPED = "stamped"
    UPGRADED = "upgraded"
    PENDING = "pending"
    DRIFTED = "drifted"
    REFUSED = "refused"
    UNINITIALISED = "uninitialised"
    MISSING = "missing"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


_WELL = frozenset({StartState.AT_TARGET, StartState.STAMPED, StartState.UPGRADED})
_UNFIT = frozenset({StartState.PENDING, StartState.DRIFTED, StartState.UNINITIALISED, StartState.MISSING})
_LISTS = ("current", "target", "pending")
_NULLABLE = frozenset({"environment", "database", "advice", "error", "backup"})


@dataclass(frozen=True, slots=True)
class Start:
    """What was found, and done, when an application started. No text in it holds a secret.

    `current` are the newest revisions that are there, by the evidence where `compared`, else by the stamp; `target`
    those that its environment is to be at; `pending` what is between. `advice` is the command to run next, or empty.
    `error` names what kept it from being told, or an upgrade from being done. `may_be_empty`: its policy is to skip it.
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
        """Whether nobody has anything to do: False where it could not be told, too, and where it was skipped."""
        if self.state in {StartState.UNINITIALISED, StartState.MISSING}:
            return self.may_be_empty
        return self.state in _WELL and not self.error

    @property
    def fit(self) -> bool:
        """Whether an application that insists on its schema may start: nothing is known to be pending or drifted."""
        return self.may_be_empty or self.state not in _UNFIT

    @property
    def line(self) -> str:
        """All of it in a line for a log: the environment, what was found, and the command to run next."""
        said = f"{self.environment}: {self.message}" if self.environment else self.message
        return f"{said} ({self.advice})" if self.advice else said

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values for JSON: docs/startup.md lists the keys."""
        told = {name: value or None if name in _NULLABLE else value for name, value in asdict(self).items()}
        del told["may_be_empty"]
        lists = {one: [*getattr(self, one)] for one in _LISTS}
        return {"ok": self.ok, **told, **lists, "state": self.state.name.lower()}


class StartRefusedError(ArchmigError, layout="{problem}"):
    """An application must not start on its database as it is; `start` is what was found of that."""

    subject: str = derived("")
    start: Start
    problem: str = derived('{start.line}; on_pending = "refuse", so the application does not start')


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked for: `word` chooses the environment (empty: the default one), `policy` is empty where none is."""

    word: str
    config: Path | None
    policy: str
    environ: Mapping[str, str]
    cache: Path | None
    cwd: Path
