"""What can go wrong with a database file, its lock, its transaction and its backups."""

from __future__ import annotations

from dataclasses import dataclass

from architect_migrate.core.errors import ArchmigError


class DatabaseError(ArchmigError):
    """A database that cannot be worked on: `path` is the file, `problem` what was met, `advice` the next step."""

    def __init__(self, path: str, problem: str, advice: str) -> None:
        self.path, self.problem, self.advice = path, problem, advice
        super().__init__(path, problem, advice)

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}; {self.advice}"


class DatabaseMissingError(DatabaseError):
    """There is no file at the path."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "no such file", "nothing was created: correct the path, or create the database first")


class NotADatabaseError(DatabaseError):
    """The file is not an SQLite database."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "not an SQLite database", "nothing was written: is this the right file?")


class DamagedError(DatabaseError):
    """SQLite found the file damaged; `detail` is what it said."""

    def __init__(self, path: str, detail: str) -> None:
        self.detail = detail = " ".join(detail.split())
        advice = "nothing was written: restore a backup, or try `sqlite3 FILE .recover`"
        super().__init__(path, f"damaged ({detail})", advice)


class DatabaseLockedError(DatabaseError):
    """Somebody else held the database for longer than the lock timeout; `openers` are those who have it open."""

    def __init__(self, path: str, seconds: float, openers: tuple[str, ...] = ()) -> None:
        self.seconds, self.openers = seconds, openers
        more = f" and {len(openers) - 3} more" if len(openers) > 3 else ""
        who = f" (open in {', '.join(openers[:3])}{more})" if openers else ""
        problem = f"locked by another process for more than {seconds:g} s{who}"
        super().__init__(path, problem, "stop the application or wait for it, or raise lock_timeout")


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

    def __init__(self, path: str, seconds: float, holder: Holder) -> None:
        self.seconds, self.holder = seconds, holder
        who = (
            f"by process {holder.process} of {holder.user} on {holder.host} since {holder.since} ({holder.command})"
            if holder.process
            else "by one that has not said who it is"
        )
        problem = f"another run works on it, {who}, and was waited for {seconds:g} s"
        super().__init__(path, problem, "nothing was written: wait for it to end, or raise lock_timeout")


class NotWritableError(DatabaseError):
    """The file or its folder cannot be written."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(path, f"cannot be written ({detail})", "give this user write access to it and its folder")


class CommitFailedError(DatabaseError):
    """SQLite called a commit failed, by which nobody knows what is there; `problem` is its error."""

    def __init__(self, path: str, problem: str) -> None:
        advice = (
            "that came with the commit, and what is there now is all of the run or nothing of it: "
            "look at the disk, then `archmig status` tells which"
        )
        super().__init__(path, problem, advice)

    def none_of_it(self) -> DatabaseError:
        """The same, once it was read that nothing came of the run."""
        return DatabaseError(
            self.path, self.problem, "nothing was changed: free some space or look at the disk, then run it again"
        )

    def all_of_it(self) -> str:
        """The same as a warning, once it was read that all of the run is there."""
        return f"{self.path}: {self.problem} at the commit, yet all of it is there when read again: look at the disk"


class NotReadBackError(DatabaseError):
    """A run that was committed, and then could not be read again; `problem` is what stood in the way."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            path,
            f"what was done is committed, and could not be read back: {problem}",
            "see to that, then `archmig status` shows whether all is well",
        )


class UnsupportedDatabaseError(DatabaseError):
    """A kind of database that archmig can list but not work on."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "not an SQLite database", "archmig reads and repairs SQLite files only")


class TransactionEndedError(ArchmigError):
    """Code of the chain tried to end or escape the transaction that it runs in; `attempt` says how."""

    def __init__(self, attempt: str) -> None:
        self.attempt = attempt
        super().__init__(attempt)

    def __str__(self) -> str:
        return (
            f"the chain's code tried to {self.attempt}: archmig keeps one transaction around the whole run, "
            "so this was refused and everything rolled back; take it out of the revision"
        )


class RolledBackError(ArchmigError):
    """A run that failed and left no trace; `drift` are the differences from what the database's version says."""

    def __init__(self, environment: str, failure: str, drift: tuple[str, ...]) -> None:
        self.environment, self.failure, self.drift = environment, failure, drift
        super().__init__(environment, failure, drift)

    def __str__(self) -> str:
        said = f"{self.environment}: {self.failure}; everything was rolled back"
        if not self.drift:
            return said
        count = f"{len(self.drift)} differences, first" if len(self.drift) > 1 else "this differs"
        return (
            f"{said}. The database is not where its version says that it is ({count}: {self.drift[0]}): "
            "`archmig reconcile` brings it there"
        )


class ForeignKeysBrokenError(ArchmigError):
    """A run after which rows refer to nothing that did not before; `rows` name them shortly."""

    def __init__(self, rows: tuple[str, ...]) -> None:
        self.rows = rows
        super().__init__(rows)

    def __str__(self) -> str:
        more = f" and {len(self.rows) - 3} more" if len(self.rows) > 3 else ""
        return f"rows would refer to nothing: {', '.join(self.rows[:3])}{more}"


class BackupError(ArchmigError):
    """A backup that was not made; no file of it is left. `path` is the database or the folder: what is at fault."""

    def __init__(
        self, path: str, problem: str, advice: str = "nothing was changed: see to it, then run this again"
    ) -> None:
        self.path, self.problem, self.advice = path, problem, advice
        super().__init__(path, problem, advice)

    def __str__(self) -> str:
        return f"{self.path}: no backup was made: {self.problem}; {self.advice}"


class BackupFolderError(BackupError):
    """A folder of backups that cannot be read, or a backup in it that cannot be removed; `path` is the folder."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem, "see to the folder's permissions")

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}; {self.advice}"


class CopyError(ArchmigError):
    """A private copy that was not made, or could not be removed; `folder` is where it was to be."""

    def __init__(self, folder: str, problem: str, advice: str) -> None:
        self.folder, self.problem, self.advice = folder, problem, advice
        super().__init__(folder, problem, advice)

    def __str__(self) -> str:
        return f"{self.folder}: no private copy: {self.problem}; the database was only read: {self.advice}"


class QuestionError(ArchmigError):
    """A question about rows that SQLite could not answer; `cause` is its error's text."""

    def __init__(self, table: str, question: str, cause: str) -> None:
        self.table, self.question, self.cause = table, question, cause
        super().__init__(table, question, cause)

    def __str__(self) -> str:
        return f"table {self.table!r}: cannot tell {self.question}: {self.cause}; nothing was changed"


class RestoreError(ArchmigError):
    """A restore that was refused or could not be finished; `place` is the backup or the database, `advice` the rest."""

    def __init__(self, place: str, problem: str, advice: str) -> None:
        self.place, self.problem, self.advice = place, problem, advice
        super().__init__(place, problem, advice)

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}; {self.advice}"
