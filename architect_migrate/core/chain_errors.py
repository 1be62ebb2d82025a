"""What can go wrong with the chain, its stamp, and a plan that runs it."""

from __future__ import annotations

from architect_migrate.core.errors import ArchmigError, StatedError, derived, nearest, shortened
from architect_migrate.core.text import pluralize, shortlist


class RevisionFailedError(ArchmigError, layout="{subject} {problem}"):
    """A revision's own code raised; `revision` is its id, `action` what was called, `cause` the error's text."""

    subject: str = derived("revision {revision}")
    revision: str
    action: str
    cause: str
    problem: str = derived("failed in {action}: {cause}")


class RevisionLosesError(RevisionFailedError):
    """A revision took away more than it does in the chain; `objects` are what, as people name it."""

    objects: tuple[str, ...]
    reason: str
    action: str = derived("keeping what is there")
    cause: str = derived("it took away {_lost}, and that cannot be put back: {reason}")

    @property
    def _lost(self) -> str:
        return shortlist(self.objects, 3)


class ChainError(StatedError):
    """The chain itself cannot be used; `subject` is alembic.ini or a revision, `problem` what is wrong with it."""

    advice: str = "correct the chain; no database was touched"


class NewRevisionError(StatedError):
    """A revision that was not made; `subject` is its file, its branch or its chain, `advice` the next step."""


class UnknownRevisionError(ArchmigError, layout="{problem}{_hint}"):
    """A name that means no revision of the chain, or several; `candidates` are those that begin so."""

    candidates: tuple[str, ...]
    known: tuple[str, ...]

    def _said(self) -> tuple[str, str]:
        if self.candidates:
            several = f"{len(self.candidates)} revisions: {', '.join(self.candidates)}"
            return f"{self.subject} begins {several}", "write one in full"
        hint = nearest(self.subject, self.known) or "`archmig history` lists them"
        return f"the chain has no revision {shortened(self.subject)}", hint


class RelativeRevisionError(StatedError):
    """A relative revision (`+1`, `REV-2`) that means no revision of the chain, or several; `subject` is its text."""


class ForeignBranchError(ArchmigError):
    """A revision that was asked for is on branches (`labels`) which the environment's `heads` do not list."""

    revision: str
    labels: tuple[str, ...]

    def _said(self) -> tuple[str, str]:
        branches = " and ".join(shortened(label) for label in self.labels)
        return (
            f"revision {self.revision} is on the branch {branches}, which other environments have to themselves",
            "nothing was changed: list it in this one's heads, or name another revision",
        )


class NotPromotedError(ArchmigError):
    """Revisions that required environments have not had; `lacking` says so, one line an environment."""

    lacking: tuple[str, ...]
    problem: str = derived("{lacking:; }")
    advice: str = derived("nothing was changed: archmig promote --to {subject} goes as far as it may")


class NotRehearsedError(ArchmigError):
    """A plan that has to be rehearsed first; `problem` says what there is instead, `advice` the command."""

    problem: str
    command: str
    advice: str = derived("nothing was changed: {command}")


class RehearsalFailedError(ArchmigError):
    """What a command came to on a copy; `cause` is its error's text. The environment itself was only read."""

    command: str
    cause: str
    problem: str = derived("the rehearsal of {command} failed: {cause}")
    advice: str = derived("on a copy")


class ReplayError(ArchmigError):
    """The chain could not be replayed on a scratch database; `revision` is where it stopped (empty: before any)."""

    revision: str
    cause: str

    def _said(self) -> tuple[str, str]:
        place = f" at revision {self.revision}" if self.revision else ""
        # SQLite's words and SQLAlchemy's; a chain that was begun beside create_all() stumbles here.
        begun_late = "no such table" in self.cause or "NoSuchTableError" in self.cause
        advice = "a chain makes all that it changes: what was there before it is its first revision's to make"
        return (
            f"the chain does not run on an empty database{place}: {self.cause}",
            f"{advice if begun_late else 'correct the revision'}; no database was touched",
        )


class StampError(ArchmigError, layout="{subject} {problem}; {advice}"):
    """Alembic's version table says something that cannot be followed; `subject` is its name, `problem` what."""

    problem: str
    advice: str = derived("nothing was written: put it right by hand, then run this again")


class AlembicOptionError(StatedError, layout="{subject} {problem}{_hint}"):
    """An `-x` option of the alembic command that cannot be followed; `problem` never carries a value."""

    subject: str = derived("-x")


class NoDatabaseChosenError(ArchmigError, layout="{problem}{_hint}"):
    """The alembic command has no environments.toml to choose from; `looked` are the places in order."""

    subject: str = derived("")
    looked: tuple[str, ...]
    problem: str = derived("no environments.toml: looked at {looked}")
    advice: str = derived("name one in ARCHMIG_CONFIG, or a database: -x db=PATH")


class OtherChainError(ArchmigError):
    """An environments.toml belongs to another chain than the one that alembic runs; both are alembic.ini files."""

    theirs: str
    ours: str
    problem: str = derived("its databases follow the chain of {theirs}, and this is {ours}; nothing was touched")
    advice: str = derived("correct [alembic] config, or name a database: -x db=PATH")


class ProtectedError(ArchmigError, layout="{subject} {problem}{_hint}"):
    """An environment that is changed only when that is confirmed by its name; `command` is Alembic's."""

    command: str
    problem: str = derived("is protected: alembic {command} changed nothing")
    advice: str = derived("if it is this one that you mean, say so: alembic -x yes={subject}")


class DriftedError(ArchmigError):
    """A database whose schema is not what the chain makes at its head, though its version says so."""

    drift: tuple[str, ...]

    def _said(self) -> tuple[str, str]:
        differences = pluralize(len(self.drift), "difference")
        return (
            f"{differences} from the chain's head, though its version says that it is there",
            "`archmig reconcile` settles them",
        )


class ChangedMeanwhileError(ArchmigError, layout="{subject}: {problem}: {advice}"):
    """Between the plan and the lock somebody changed the database; `subject` is the environment."""

    problem: str = derived("changed while the plan was looked at; nothing was done")
    advice: str = derived("run it again to see the new plan")


class BlockedError(ArchmigError, layout="{subject}: {problem}: {advice}"):
    """A plan that something stands in the way of was to be carried out; `subjects` are those things, in short."""

    subjects: tuple[str, ...]
    problem: str = derived("blocked by {subjects}; nothing was done")
    advice: str = derived("settle that, then plan again")


class StepFailedError(ArchmigError, layout="{problem}"):
    """A step of the plan failed; `step` is its headline, `cause` the first error's text. All was rolled back."""

    subject: str = derived("")
    step: str
    cause: str
    problem: str = derived("could not {step}: {cause}; everything was rolled back")


class NotProvenError(ArchmigError, layout="{problem}"):
    """What was done could not be proven right, and was rolled back; `more` of the one-line `problems` are left out."""

    subject: str = derived("")
    problems: tuple[str, ...]
    more: int = 0
    problem: str = derived("the result did not pass its proof, everything was rolled back: {problems:; }{_rest}")

    @property
    def _rest(self) -> str:
        return f" (and {self.more} more)" if self.more else ""
