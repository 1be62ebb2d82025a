"""What can go wrong with a database file, its lock, its transaction and its backups."""

from __future__ import annotations

from dataclasses import dataclass

from architect_migrate.core.errors import ArchmigError, StatedError, derived
from architect_migrate.core.text import shortlist


class DatabaseError(StatedError, layout="{subject}: {problem}; {advice}"):
    """A database that cannot be worked on; `subject` is its path."""


class DatabaseMissingError(DatabaseError):
    """There is no file at the path."""

    problem: str = derived("no such file")
    advice: str = derived("nothing was created: correct the path, or create the database first")


class NotADatabaseError(DatabaseError):
    """The file is not an SQLite database."""

    problem: str = derived("not an SQLite database")
    advice: str = derived("nothing was written: is this the right file?")


class DamagedError(DatabaseError):
    """SQLite found the file damaged; `said` is its text."""

    said: str
    problem: str = derived("damaged ({detail})")
    advice: str = derived("nothing was written: restore a backup, or try `sqlite3 FILE .recover`")

    @property
    def detail(self) -> str:
        """What SQLite said, in one line."""
        return " ".join(self.said.split())


class DatabaseLockedError(DatabaseError):
    """Somebody else held the database for longer than the lock timeout; `openers` are those who have it open."""

    seconds: float
    openers: tuple[str, ...] = ()
    problem: str = derived("locked by another process for more than {seconds:g} s{_open_in}")
    advice: str = derived("stop the application or wait for it, or raise lock_timeout")

    @property
    def _open_in(self) -> str:
        return f" (open in {shortlist(self.openers, 3)})" if self.openers else ""


def unreadable(path: str, words: str) -> DatabaseError | None:
    """The error of a schema that this process cannot work with, where only SQLite's or Python's words tell so."""
    if "UTF-8" in words:
        problem, advice = "a name or a text of its schema is not UTF-8", "make that object anew by hand"
    elif "unsupported file format" in words:
        problem = "a newer SQLite made it, and this one cannot read its format"
        advice = "run archmig with an SQLite as new as the one that made it"
    elif words.startswith(("no such collation sequence:", "no such function:", "unknown function:", "no such module:")):
        problem = f"its schema needs what only the application gives SQLite ({words})"
        advice = "archmig cannot do this without it, so take it out of the schema first, or do it in the application"
    else:
        return None
    return DatabaseError(path, problem, f"nothing was changed: {advice}")


@dataclass(frozen=True, slots=True)
class Holder:
    """What the holder of a lock says of itself, each empty where it has not said it."""

    since: str = ""
    process: str = ""
    host: str = ""
    user: str = ""
    command: str = ""


class LockedByRunError(DatabaseError):
    """Another run of archmig or alembic held the database's lock file for longer than the lock timeout."""

    seconds: float
    holder: Holder
    problem: str = derived("another run works on it, {_by}, and was waited for {seconds:g} s")
    advice: str = derived("nothing was written: wait for it to end, or raise lock_timeout")

    @property
    def _by(self) -> str:
        by = self.holder
        if not by.process:
            return "by one that has not said who it is"
        return f"by process {by.process} of {by.user} on {by.host} since {by.since} ({by.command})"


class NotWritableError(DatabaseError):
    """The file or its folder cannot be written."""

    detail: str
    problem: str = derived("cannot be written ({detail})")
    advice: str = derived("give this user write access to it and its folder")


class CommitFailedError(DatabaseError):
    """SQLite called a commit failed, by which nobody knows what is there; `problem` is its error."""

    advice: str = derived(
        "that came with the commit, and what is there now is all of the run or nothing of it: "
        "look at the disk, then `archmig status` tells which"
    )

    def none_of_it(self) -> DatabaseError:
        """The same, once it was read that nothing came of the run."""
        return DatabaseError(
            self.subject, self.problem, "nothing was changed: free some space or look at the disk, then run it again"
        )

    def all_of_it(self) -> str:
        """The same as a warning, once it was read that all of the run is there."""
        return f"{self.subject}: {self.problem} at the commit, yet all of it is there when read again: look at the disk"


class NotReadBackError(DatabaseError):
    """A run that was committed, and then could not be read again; `reason` is what stood in the way."""

    reason: str
    problem: str = derived("what was done is committed, and could not be read back: {reason}")
    advice: str = derived("see to that, then `archmig status` shows whether all is well")


class UnsupportedDatabaseError(DatabaseError):
    """A kind of database that archmig can list but not work on; `subject` is its URL."""

    problem: str = derived("not an SQLite database")
    advice: str = derived("archmig reads and repairs SQLite files only")


class TransactionEndedError(ArchmigError, layout="{problem}; {advice}"):
    """Code of the chain tried to end or escape the transaction that it runs in; `attempt` says how."""

    subject: str = derived("")
    attempt: str
    problem: str = derived(
        "the chain's code tried to {attempt}: archmig keeps one transaction around the whole run, "
        "so this was refused and everything rolled back"
    )
    advice: str = derived("take it out of the revision")


class RolledBackError(ArchmigError, layout="{subject}: {problem}: {advice}"):
    """A run that failed and left no trace; `drift` are the differences from what the database's version says."""

    failure: str
    drift: tuple[str, ...]

    def _said(self) -> tuple[str, str]:
        said = f"{self.failure}; everything was rolled back"
        if not self.drift:
            return said, ""
        count = f"{len(self.drift)} differences, first" if len(self.drift) > 1 else "this differs"
        problem = f"{said}. The database is not where its version says that it is ({count}: {self.drift[0]})"
        return problem, "`archmig reconcile` brings it there"

    def __str__(self) -> str:
        return super().__str__() if self.drift else f"{self.subject}: {self.problem}"


class ForeignKeysBrokenError(ArchmigError, layout="{problem}"):
    """A run after which rows refer to nothing that did not before; `rows` name them shortly."""

    subject: str = derived("")
    rows: tuple[str, ...]

    def _said(self) -> tuple[str, str]:
        return f"rows would refer to nothing: {shortlist(self.rows, 3)}", ""


class BackupError(StatedError, layout="{subject}: no backup was made: {problem}; {advice}"):
    """A backup that was not made; no file of it is left. `subject` is the database or the folder: what is at fault."""

    advice: str = "nothing was changed: see to it, then run this again"


class BackupFolderError(BackupError, layout="{subject}: {problem}; {advice}"):
    """A folder of backups that cannot be read, or a backup in it that cannot be removed."""

    advice: str = derived("see to the folder's permissions")


class CopyError(StatedError, layout="{subject}: no private copy: {problem}; the database was only read: {advice}"):
    """A private copy that was not made, or could not be removed; `subject` is the folder where it was to be."""


class QuestionError(ArchmigError, layout="table {subject!r}: {problem}; {advice}"):
    """A question about rows of a table that SQLite could not answer; `cause` is its error's text."""

    question: str
    cause: str
    problem: str = derived("cannot tell {question}: {cause}")
    advice: str = derived("nothing was changed")


class RestoreError(StatedError, layout="{subject}: {problem}; {advice}"):
    """A restore that was refused or could not be finished; `subject` is the backup or the database."""
