"""Errors of a database file, of its lock, its transaction and its backups."""

from __future__ import annotations

from dataclasses import dataclass

from architect_migrate.core.errors import ArchmigError, StatedError, derived
from architect_migrate.core.text import shortlist


class DatabaseError(StatedError, layout="{subject}: {problem}; {advice}"):
    """A database that archmig cannot work on; `subject` is its path."""


class DatabaseMissingError(DatabaseError):
    """A path without a file."""

    problem: str = derived("no such file")
    advice: str = derived("nothing was created: correct the path, or create the database first")


class NamedFileMissingError(DatabaseError):
    """A path that was named on the command line and is that of no file; `advice` may name a similar one beside it."""

    problem: str = derived("no such file")
    advice: str = "nothing was created: correct the path, or create the database first"


class NotADatabaseError(DatabaseError):
    """A file that is not an SQLite database."""

    problem: str = derived("not an SQLite database")
    advice: str = derived("nothing was written: check the path")


class DamagedError(DatabaseError):
    """A damaged database file; `message` is SQLite's."""

    message: str
    problem: str = derived("damaged ({detail})")
    advice: str = derived("nothing was written: restore a backup, or try `sqlite3 FILE .recover`")

    @property
    def detail(self) -> str:
        """SQLite's message on one line."""
        return " ".join(self.message.split())


class DatabaseLockedError(DatabaseError):
    """A database locked by another process for longer than the lock timeout; `openers` are processes that use it."""

    seconds: float
    openers: tuple[str, ...] = ()
    problem: str = derived("locked by another process for more than {seconds:g} s{_open_in}")
    advice: str = derived("stop the application or wait for it, or raise lock_timeout")

    @property
    def _open_in(self) -> str:
        return f" (open in {shortlist(self.openers, 3)})" if self.openers else ""


_OF_AN_EXTENSION = ("no such collation sequence:", "no such function:", "unknown function:", "no such module:")
_WITHOUT_EXTENSION = "remove it from the schema first, or make this change in the application"


def with_way_out(words: str) -> str:
    """Return SQLite's message of a statement, with what to do about an extension that only the application loads."""
    if not any(each in words for each in _OF_AN_EXTENSION):
        return words
    return f"{words}, which needs an extension that only the application loads: {_WITHOUT_EXTENSION}"


def unreadable_schema_error(path: str, words: str) -> DatabaseError | None:
    """Return the error for a schema that this process cannot read, judged by SQLite's or Python's message `words`.

    Returns None for any other message.
    """
    # Why by message: SQLite reports all of these with the generic code SQLITE_ERROR.
    if "UTF-8" in words:
        problem, advice = "a name or a text of its schema is not UTF-8", "recreate that object by hand"
    elif "unsupported file format" in words:
        problem = "a newer SQLite made it, and this one cannot read its format"
        advice = "run archmig with an SQLite as new as the one that made it"
    elif words.startswith(_OF_AN_EXTENSION):
        problem = f"its schema needs an extension that only the application loads ({words})"
        advice = _WITHOUT_EXTENSION
    else:
        return None
    return DatabaseError(path, problem, f"nothing was changed: {advice}")


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a lock file as it identified itself; a field is empty if it is not recorded."""

    since: str = ""
    process: str = ""
    host: str = ""
    user: str = ""
    command: str = ""


class LockedByRunError(DatabaseError):
    """A database whose lock file another run of archmig or alembic held for longer than the lock timeout."""

    seconds: float
    holder: Holder
    problem: str = derived("locked by another run, {_by}, for more than {seconds:g} s")
    advice: str = derived("nothing was written: wait for it to end, or raise lock_timeout")

    @property
    def _by(self) -> str:
        by = self.holder
        if not by.process:
            return "which has not recorded its process"
        return f"process {by.process} of {by.user} on {by.host} since {by.since} ({by.command})"


class NotWritableError(DatabaseError):
    """A database that cannot be written, because of its file or its folder; `detail` is the system's reason."""

    detail: str
    problem: str = derived("cannot be written ({detail})")
    advice: str = derived("give this user write access to it and its folder")


class CommitFailedError(DatabaseError):
    """A commit that SQLite reported as failed, whose outcome is unknown; `problem` is SQLite's error."""

    advice: str = derived(
        "the commit failed, so either the whole run is there or none of it: "
        "check the disk, then run `archmig status` to see which"
    )

    def none_of_it(self) -> DatabaseError:
        """Return the error for a database that was read again and has nothing of the run."""
        return DatabaseError(
            self.subject, self.problem, "nothing was changed: free some space or check the disk, then run it again"
        )

    def all_of_it(self) -> str:
        """Return the warning for a database that was read again and has the whole run."""
        return (
            f"{self.subject}: {self.problem} at the commit, but the whole run is there when read again: check the disk"
        )


class NotReadBackError(DatabaseError):
    """A committed run whose result could not be read back; `reason` is the error of the reading."""

    reason: str
    problem: str = derived("the run is committed, but could not be read back: {reason}")
    advice: str = derived("correct that, then check with `archmig status`")


class TransactionEndedError(ArchmigError, layout="{problem}; {advice}"):
    """Code of the chain that tried to end or escape the run's transaction; `attempt` says how."""

    subject: str = derived("")
    attempt: str
    problem: str = derived(
        "the chain's code tried to {attempt}: archmig keeps one transaction around the whole run, "
        "so this was refused and everything rolled back"
    )
    advice: str = derived("remove that from the revision")


class RolledBackError(ArchmigError, layout="{subject}: {problem}: {advice}"):
    """A run that failed and was rolled back; `drift` are the database's differences from its stamped revision."""

    failure: str
    drift: tuple[str, ...]

    def _problem_and_advice(self) -> tuple[str, str]:
        said = f"{self.failure}; everything was rolled back"
        if not self.drift:
            return said, ""
        count = f"{len(self.drift)} differences, first" if len(self.drift) > 1 else "this differs"
        problem = f"{said}. The database does not match its stamp ({count}: {self.drift[0]})"
        return problem, "`archmig reconcile` repairs it"

    def __str__(self) -> str:
        return super().__str__() if self.drift else f"{self.subject}: {self.problem}"


class BackupError(StatedError, layout="{subject}: no backup was made: {problem}; {advice}"):
    """A backup that was not made and left no file; `subject` is the database or the folder that is at fault."""

    advice: str = "nothing was changed: correct that, then run this again"


class BackupFolderError(BackupError, layout="{subject}: {problem}; {advice}"):
    """A folder of backups that cannot be read, or a backup in it that cannot be removed."""

    advice: str = derived("check the folder's permissions")


class CopyError(StatedError, layout="{subject}: no private copy: {problem}; the database was only read: {advice}"):
    """A private copy that could not be made or removed; `subject` is the folder for it."""


class RowsNotKeptError(ArchmigError, layout="{subject}: {problem}; {advice}"):
    """Tables that a run wrote although the replay did not show it, so that no copy of their rows was kept."""

    tables: tuple[str, ...]
    subject: str = derived("{_named}")
    problem: str = derived("the run changed rows of it that no replay of the chain had shown, so nothing proves them")
    advice: str = derived("everything was rolled back: run `archmig upgrade`, which keeps these rows and runs again")

    @property
    def _named(self) -> str:
        return f"table {shortlist(self.tables, 3)}"


class QuestionError(ArchmigError, layout="table {subject!r}: {problem}; {advice}"):
    """A question about rows of a table that SQLite could not answer; `cause` is its error's text."""

    question: str
    cause: str
    problem: str = derived("cannot tell {question}: {cause}")
    advice: str = derived("nothing was changed")


class ForbiddenQuestionError(QuestionError):
    """A question about rows that a role may not read."""


class RestoreError(StatedError, layout="{subject}: {problem}; {advice}"):
    """A restore that was refused or could not be finished; `subject` is the backup or the database."""


class ArchiveProgramError(RestoreError, layout="{subject}: {problem}; {advice}"):
    """An archive that was not read for want of a program, which says nothing of the archive; `subject` is its path."""
