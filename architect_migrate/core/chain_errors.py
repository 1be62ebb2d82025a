"""What can go wrong with the chain, its stamp, and a plan that runs it."""

from __future__ import annotations

from architect_migrate.core.errors import ArchmigError, nearest, shortened
from architect_migrate.core.text import count


class RevisionFailedError(ArchmigError):
    """A revision's own code raised; `revision` is its id, `action` what was called, `cause` the error's text."""

    def __init__(self, revision: str, action: str, cause: str) -> None:
        self.revision, self.action, self.cause = revision, action, cause
        super().__init__(revision, action, cause)

    def __str__(self) -> str:
        return f"revision {self.revision} failed in {self.action}: {self.cause}"


class RevisionLosesError(RevisionFailedError):
    """A revision took away more than it does in the chain; `objects` are what, as people name it."""

    def __init__(self, revision: str, objects: tuple[str, ...], reason: str) -> None:
        self.objects, self.reason = objects, reason
        more = f" and {len(objects) - 3} more" if len(objects) > 3 else ""
        cause = f"it took away {', '.join(objects[:3])}{more}, and that cannot be put back: {reason}"
        super().__init__(revision, "keeping what is there", cause)


class ChainError(ArchmigError):
    """The chain itself cannot be used: `file` is alembic.ini or a revision, `problem` what is wrong with it."""

    def __init__(self, file: str, problem: str, advice: str = "correct the chain; no database was touched") -> None:
        self.file, self.problem, self.advice = file, problem, advice
        super().__init__(file, problem, advice)

    def __str__(self) -> str:
        return f"{self.file}: {self.problem} ({self.advice})"


class NewRevisionError(ArchmigError):
    """A revision that was not made; `subject` is its file, its branch or its chain, `advice` the next step."""

    def __init__(self, subject: str, problem: str, advice: str) -> None:
        self.subject, self.problem, self.advice = subject, problem, advice
        super().__init__(subject, problem, advice)

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem} ({self.advice})"


class UnknownRevisionError(ArchmigError):
    """A name that means no revision of the chain, or several; `candidates` are those that begin so."""

    def __init__(self, target: str, candidates: tuple[str, ...], known: tuple[str, ...]) -> None:
        self.target, self.candidates, self.known = target, candidates, known
        super().__init__(target, candidates, known)

    def __str__(self) -> str:
        if self.candidates:
            several = f"{len(self.candidates)} revisions: {', '.join(self.candidates)}"
            return f"{self.target} begins {several} (write one in full)"
        hint = nearest(self.target, self.known)
        return f"the chain has no revision {shortened(self.target)} ({hint or '`archmig history` lists them'})"


class ForeignBranchError(ArchmigError):
    """A revision that was asked for is on branches (`labels`) which the environment's `heads` do not list."""

    def __init__(self, environment: str, revision: str, labels: tuple[str, ...]) -> None:
        self.environment, self.revision, self.labels = environment, revision, labels
        super().__init__(environment, revision, labels)

    def __str__(self) -> str:
        branches = " and ".join(shortened(it) for it in self.labels)
        return (
            f"{self.environment}: revision {self.revision} is on the branch {branches}, which other environments have "
            "to themselves (nothing was changed: list it in this one's heads, or name another revision)"
        )


class NotPromotedError(ArchmigError):
    """Revisions that required environments have not had; `lacking` says so, one line an environment."""

    def __init__(self, environment: str, lacking: tuple[str, ...]) -> None:
        self.environment, self.lacking = environment, lacking
        super().__init__(environment, lacking)

    def __str__(self) -> str:
        name, said = self.environment, "; ".join(self.lacking)
        return f"{name}: {said} (nothing was changed: archmig promote --to {name} goes as far as it may)"


class NotRehearsedError(ArchmigError):
    """A plan that has to be rehearsed first; `why` says what there is instead, `advice` the command."""

    def __init__(self, environment: str, why: str, advice: str) -> None:
        self.environment, self.why, self.advice = environment, why, advice
        super().__init__(environment, why, advice)

    def __str__(self) -> str:
        return f"{self.environment}: {self.why} (nothing was changed: {self.advice})"


class RehearsalFailedError(ArchmigError):
    """What a command came to on a copy; `cause` is its error's text. The environment itself was only read."""

    def __init__(self, environment: str, command: str, cause: str) -> None:
        self.environment, self.command, self.cause = environment, command, cause
        super().__init__(environment, command, cause)

    def __str__(self) -> str:
        return f"{self.environment}: the rehearsal of {self.command} failed: {self.cause} (on a copy)"


class ReplayError(ArchmigError):
    """The chain could not be replayed on a scratch database; `revision` is where it stopped (empty: before any)."""

    def __init__(self, file: str, revision: str, cause: str) -> None:
        self.file, self.revision, self.cause = file, revision, cause
        super().__init__(file, revision, cause)

    def __str__(self) -> str:
        place = f" at revision {self.revision}" if self.revision else ""
        # SQLite's words and SQLAlchemy's; a chain that was begun beside create_all() stumbles here.
        begun_late = "no such table" in self.cause or "NoSuchTableError" in self.cause
        advice = "a chain makes all that it changes: what was there before it is its first revision's to make"
        return (
            f"{self.file}: the chain does not run on an empty database{place}: {self.cause} "
            f"({advice if begun_late else 'correct the revision'}; no database was touched)"
        )


class StampError(ArchmigError):
    """Alembic's version table says something that cannot be followed; `table` is its name, `problem` what."""

    def __init__(self, table: str, problem: str) -> None:
        self.table, self.problem = table, problem
        super().__init__(table, problem)

    def __str__(self) -> str:
        return f"{self.table} {self.problem}; nothing was written: put it right by hand, then run this again"


class AlembicOptionError(ArchmigError):
    """An `-x` option of the alembic command that cannot be followed; `problem` never carries a value."""

    def __init__(self, problem: str, hint: str) -> None:
        self.problem, self.hint = problem, hint
        super().__init__(problem, hint)

    def __str__(self) -> str:
        return f"-x {self.problem} ({self.hint})"


class NoDatabaseChosenError(ArchmigError):
    """The alembic command has no environments.toml to choose from; `looked` are the places in order."""

    def __init__(self, looked: tuple[str, ...]) -> None:
        self.looked = looked
        super().__init__(looked)

    def __str__(self) -> str:
        looked = ", ".join(self.looked)
        return f"no environments.toml: looked at {looked} (name one in ARCHMIG_CONFIG, or a database: -x db=PATH)"


class OtherChainError(ArchmigError):
    """An environments.toml belongs to another chain than the one that alembic runs; both are alembic.ini files."""

    def __init__(self, file: str, theirs: str, ours: str) -> None:
        self.file, self.theirs, self.ours = file, theirs, ours
        super().__init__(file, theirs, ours)

    def __str__(self) -> str:
        return (
            f"{self.file}: its databases follow the chain of {self.theirs}, and this is {self.ours}; "
            "nothing was touched (correct [alembic] config, or name a database: -x db=PATH)"
        )


class ProtectedError(ArchmigError):
    """An environment that is changed only when that is confirmed by its name; `command` is Alembic's."""

    def __init__(self, environment: str, command: str) -> None:
        self.environment, self.command = environment, command
        super().__init__(environment, command)

    def __str__(self) -> str:
        return (
            f"{self.environment} is protected: alembic {self.command} changed nothing "
            f"(if it is this one that you mean, say so: alembic -x yes={self.environment})"
        )


class DriftedError(ArchmigError):
    """A database whose schema is not what the chain makes at its head, though its version says so."""

    def __init__(self, environment: str, drift: tuple[str, ...]) -> None:
        self.environment, self.drift = environment, drift
        super().__init__(environment, drift)

    def __str__(self) -> str:
        differences = count(len(self.drift), "difference")
        return (
            f"{self.environment}: {differences} from the chain's head, though its version says that it is there "
            "(`archmig reconcile` settles them)"
        )


class ChangedMeanwhileError(ArchmigError):
    """Between the plan and the lock somebody changed the database; `name` is the environment."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)

    def __str__(self) -> str:
        return f"{self.name}: changed while the plan was looked at; nothing was done: run it again to see the new plan"


class BlockedError(ArchmigError):
    """A plan that something stands in the way of was to be carried out; `subjects` are those things, in short."""

    def __init__(self, name: str, subjects: tuple[str, ...]) -> None:
        self.name, self.subjects = name, subjects
        super().__init__(name, subjects)

    def __str__(self) -> str:
        return f"{self.name}: blocked by {', '.join(self.subjects)}; nothing was done: settle that, then plan again"


class StepFailedError(ArchmigError):
    """A step of the plan failed; `step` is its headline, `cause` the first error's text. All was rolled back."""

    def __init__(self, step: str, cause: str) -> None:
        self.step, self.cause = step, cause
        super().__init__(step, cause)

    def __str__(self) -> str:
        return f"could not {self.step}: {self.cause}; everything was rolled back"


class NotProvenError(ArchmigError):
    """What was done could not be proven right, and was rolled back; `more` of the one-line `problems` are left out."""

    def __init__(self, problems: tuple[str, ...], more: int = 0) -> None:
        self.problems, self.more = problems, more
        super().__init__(problems, more)

    def __str__(self) -> str:
        rest = f" (and {self.more} more)" if self.more else ""
        return f"the result did not pass its proof, everything was rolled back: {'; '.join(self.problems)}{rest}"
