"""Errors of the chain, of its stamp, and of a plan that runs it."""

from __future__ import annotations

from enum import Enum

from architect_migrate.core.errors import ArchmigError, StatedError, derived, nearest, shortened
from architect_migrate.core.text import pluralize, shortlist

# The next step where nothing more is known.
CORRECT = "correct the chain; no database was touched"


class RevisionFailedError(ArchmigError, layout="{subject} {problem}{_hint}"):
    """An exception from a revision's code; `revision` is its id, `action` the function called, `cause` the error.

    `code` is the lint rule that explains it; empty where none does.
    """

    subject: str = derived("revision {revision}")
    revision: str
    action: str
    cause: str
    code: str = ""
    problem: str = derived("failed in {action}: {cause}")

    @property
    def advice(self) -> str:
        """The next step, where a lint rule explains the failure."""
        lint = f"{self.code}, see archmig lint {self.revision}"
        return f"correct the rows or the revision: {lint}" if self.code else ""


class RevisionLosesError(RevisionFailedError):
    """A revision that removed `objects` which it leaves alone in the chain, and that cannot be restored exactly."""

    objects: tuple[str, ...]
    reason: str
    action: str = derived("the check of what it removed")
    code: str = derived("")
    cause: str = derived("it removed {_lost}, which cannot be restored: {reason}")

    @property
    def _lost(self) -> str:
        return shortlist(self.objects, 3)


class ColumnOrderError(RevisionFailedError):
    """A revision with a `statement` that goes by the order of columns, which differs from the chain's in a `table`.

    `here` and `chain` are the first columns that differ. `statement` has no literals.
    """

    table: str
    here: str
    chain: str
    statement: str
    action: str = derived("the check of the order of columns")
    code: str = derived("")
    cause: str = derived(
        "`{statement}` goes by the order of columns, and {table} has {here} where the chain has {chain}"
    )

    @property
    def advice(self) -> str:
        """The two ways out."""
        again = f"make {self.table} again by hand with its columns in the chain's order"
        return f"name the columns in that statement of {self.revision}, or {again}"


class ChainError(StatedError):
    """A chain that cannot be used; `subject` is alembic.ini or a revision, `problem` the fault in it."""

    advice: str = CORRECT


class AppError(ChainError):
    """A Flask application whose context env.py needs and that cannot be loaded; `subject` is its name."""


class EngineError(ChainError):
    """An env.py for several databases that was not told which one, or a wrong one; `engines` are those that it has."""

    engines: tuple[str, ...] = ()


class OtherDatabaseError(ArchmigError):
    """An engine of the chain's code for another database; `subject` is the line that opens it, `entry` what helps."""

    database: str
    entry: str
    problem: str = derived("opens {database}, which is not the database of this environment; nothing was touched")
    advice: str = derived("write in environments.toml: {entry}")


class NewRevisionError(StatedError):
    """A new revision that was not created; `subject` is its file, branch or chain, `advice` the next step."""


class BaselineError(StatedError):
    """A baseline that was not written; `subject` is its file, `advice` the next step."""


class SquashError(StatedError):
    """Revisions that were not squashed; `subject` is a revision, file or column, `advice` the next step."""


class UnknownRevisionError(ArchmigError, layout="{problem}{_hint}"):
    """A name that matches no revision of the chain, or several; `candidates` are the ids that begin with it."""

    candidates: tuple[str, ...]
    known: tuple[str, ...]

    def _problem_and_advice(self) -> tuple[str, str]:
        if self.candidates:
            several = f"{len(self.candidates)} revisions: {', '.join(self.candidates)}"
            return f"{self.subject} is the beginning of {several}", "write one in full"
        hint = nearest(self.subject, self.known) or "`archmig history` lists them"
        return f"the chain has no revision {shortened(self.subject)}", hint


class RelativeRevisionError(StatedError):
    """A relative revision (`+1`, `REV-2`) that means no revision of the chain, or several; `subject` is its text."""


class ForeignBranchError(ArchmigError):
    """A requested revision on branches (`labels`) that the environment's `heads` do not list."""

    revision: str
    labels: tuple[str, ...]

    def _problem_and_advice(self) -> tuple[str, str]:
        branches = " and ".join(shortened(label) for label in self.labels)
        return (
            f"revision {self.revision} is on the branch {branches}, which is reserved for other environments",
            "nothing was changed: add the branch to this environment's heads, or name another revision",
        )


class NotPromotedError(ArchmigError):
    """Revisions that required environments have not run yet; `lacking` has one line per environment."""

    lacking: tuple[str, ...]
    problem: str = derived("{lacking:; }")
    advice: str = derived("nothing was changed: archmig promote --to {subject} runs the revisions that are allowed")


class NotRehearsedError(ArchmigError):
    """A plan that must be rehearsed first; `problem` says why no rehearsal counts, `advice` names the command."""

    problem: str
    command: str
    advice: str = derived("nothing was changed: {command}")


class RehearsalFailedError(ArchmigError):
    """A command that failed on a copy; `cause` is its error's text. The environment itself was only read."""

    command: str
    cause: str
    problem: str = derived("the rehearsal of {command} failed: {cause}")
    advice: str = derived("on a copy")


class Want(Enum):
    """What environments.toml lacks, so that the chain does not run.

    DATABASE: env.py opens another one. VARIABLE: a variable is not set. APP: a Flask application is not named, or
    cannot be loaded. ENGINE: env.py is for several databases. BASELINE: the chain does not begin at nothing.
    """

    DATABASE = "database"
    VARIABLE = "variable"
    APP = "app"
    ENGINE = "engine"
    BASELINE = "baseline"


class ReplayError(ArchmigError):
    """A replay of the chain that failed; `revision` is the one that ran, or empty if none did.

    `place` is the line of the chain's code that raised the `cause`: `FILE, line 3`; empty if it is not known. `fix` is
    what to do about it, where that is known. `want` is what environments.toml lacks, if it is that; `named` are the
    database, the variable or the engines.
    """

    revision: str
    cause: str
    place: str = ""
    fix: str = ""
    want: Want | None = None
    named: tuple[str, ...] = ()

    def _problem_and_advice(self) -> tuple[str, str]:
        where = f" at revision {self.revision}" if self.revision else ""
        cause = f"{self.place}: {self.cause}" if self.place else self.cause
        if self.fix:
            advice = self.fix
        elif "ModuleNotFoundError" in self.cause:
            advice = "install the module, or correct the import"
        else:
            advice = "correct that line" if self.place else "correct the chain"
        return f"the chain does not run on an empty database{where}: {cause}", f"{advice}; no database was touched"


class StampError(ArchmigError, layout="{subject} {problem}; {advice}"):
    """A version table whose contents cannot be used; `subject` is its name, `problem` the fault in it."""

    problem: str
    advice: str = derived("nothing was written: correct the table by hand, then run this again")


class AlembicOptionError(StatedError, layout="{subject} {problem}{_hint}"):
    """A wrong `-x` option of the alembic command; `problem` never contains its value, which may be secret."""

    subject: str = derived("-x")


class NoDatabaseChosenError(ArchmigError, layout="{problem}{_hint}"):
    """An alembic command without an environments.toml; `looked` are the places searched, in order."""

    subject: str = derived("")
    looked: tuple[str, ...]
    problem: str = derived("no environments.toml: looked at {looked}")
    advice: str = derived("name one in ARCHMIG_CONFIG, or a database: -x db=PATH")


class OtherChainError(ArchmigError):
    """An environments.toml of another chain than the one that alembic runs; both fields are alembic.ini files."""

    configured: str
    running: str
    problem: str = derived("its databases follow the chain of {configured}, and this is {running}; nothing was touched")
    advice: str = derived("correct [alembic] config, or name a database: -x db=PATH")


class ProtectedError(ArchmigError, layout="{subject} {problem}{_hint}"):
    """A protected environment, changed only if its name confirms it; `command` is Alembic's."""

    command: str
    problem: str = derived("is protected: alembic {command} changed nothing")
    advice: str = derived("to change it all the same: alembic -x yes={subject}")


class DriftedError(ArchmigError):
    """A database that is stamped with the chain's head and has another schema; `drift` are the differences."""

    drift: tuple[str, ...]

    def _problem_and_advice(self) -> tuple[str, str]:
        differences = pluralize(len(self.drift), "difference")
        return (
            f"{differences} from the chain's head, though it is stamped with it",
            "run `archmig reconcile`",
        )


class ChangedMeanwhileError(ArchmigError, layout="{subject}: {problem}: {advice}"):
    """A database that another process changed between the plan and the lock; `subject` is the environment."""

    problem: str = derived("the database changed after it was planned; nothing was done")
    advice: str = derived("run it again to see the new plan")


class StoppedAtError(ArchmigError, layout="{problem}: {advice}"):
    """A run of several transactions that failed after the first of them; `reached` are the revisions it committed.

    `cause` is the error of the transaction that failed, `inside` the revision that is committed in part.
    """

    subject: str = derived("")
    reached: tuple[str, ...]
    cause: str
    inside: str = ""
    problem: str = derived("{so_far}: {cause}")

    @property
    def so_far(self) -> str:
        """What is committed, in words."""
        at = f"at {', '.join(self.reached) or 'base'}"
        if self.inside:
            part = f"{self.inside} is committed in part, since it left the transaction"
            return f"{at}, and {part}. What came after failed"
        return f"{at}, proven and committed. In the transaction after it"

    @property
    def advice(self) -> str:
        """How the run is brought to its end."""
        again = f"run `archmig reconcile`, which completes {self.inside} and goes on"
        return f"{self._first}{again if self.inside else 'run it again, which goes on from there'}"

    @property
    def _first(self) -> str:
        return "settle that, then "


class InterruptedAtError(StoppedAtError):
    """The same for a run that Ctrl-C stopped."""

    @property
    def _first(self) -> str:
        return ""


class BlockedError(ArchmigError, layout="{subject}: {problem}: {advice}"):
    """A plan with blockers that was to be executed; `subjects` are the objects that block it."""

    subjects: tuple[str, ...]
    problem: str = derived("blocked by {subjects}; nothing was done")
    advice: str = derived("resolve that, then plan again")


class StepFailedError(ArchmigError, layout="{problem}"):
    """A failed step of a plan; `step` is its headline, `cause` the first error's text. All was rolled back."""

    subject: str = derived("")
    step: str
    cause: str
    problem: str = derived("could not {step}: {cause}; everything was rolled back")


class NotProvenError(ArchmigError, layout="{problem}"):
    """A run that failed its proof and was rolled back; `problems` are one line each, `more` of them are left out."""

    subject: str = derived("")
    problems: tuple[str, ...]
    more: int = 0
    problem: str = derived("the result did not pass its proof, everything was rolled back: {problems:; }{_rest}")

    @property
    def _rest(self) -> str:
        return f" (and {self.more} more)" if self.more else ""
