"""What can go wrong, as types with fields: the message is derived from the fields and names the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def shortened(word: str) -> str:
    """The word as one short quoted line: control characters escaped, anything beyond 40 characters cut."""
    return repr(word if len(word) <= 40 else f"{word[:40]}…")


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint for an unknown word: the right word that looks most like it, else all the right words."""
    from difflib import get_close_matches  # only a mistake pays for the import

    words = sorted(known)
    close = get_close_matches(word[:80].lower(), words, n=1, cutoff=0.6)
    if close:
        return f"did you mean {shortened(close[0])}?"
    more = ", …" if len(words) > 12 else ""
    return f"known: {', '.join(word[:40] for word in words[:12])}{more}" if words else ""


class ArchmigError(Exception):
    """Anything that archmig refuses or could not do; `str()` is the message: object, surprise, next step."""


class ConfigError(ArchmigError):
    """A configuration file says something that archmig cannot follow.

    `place` is the dotted key in the file (or `line N`), `problem` what is wrong, `hint` the nearest word.
    """

    def __init__(self, file: str, place: str, problem: str, hint: str = "") -> None:
        self.file, self.place, self.problem, self.hint = file, place, problem, hint
        super().__init__(file, place, problem, hint)

    def __str__(self) -> str:
        place = f": {self.place}" if self.place else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}{place}: {self.problem}{hint}"


class BadUrlError(ArchmigError):
    """A text that names no database archmig knows; never carries the text, which may hold a password."""

    def __init__(self, problem: str, hint: str = "") -> None:
        self.problem, self.hint = problem, hint
        super().__init__(problem, hint)

    def __str__(self) -> str:
        return f"{self.problem} ({self.hint})" if self.hint else self.problem


class ConfigNotFoundError(ArchmigError):
    """No environments.toml where one was looked for; `looked` are the places in the order of looking."""

    def __init__(self, looked: tuple[str, ...]) -> None:
        self.looked = looked
        super().__init__(looked)

    def __str__(self) -> str:
        return f"no environments.toml: looked at {', '.join(self.looked)} (write one, or name it: -c FILE)"


class UnknownEnvironmentError(ArchmigError):
    """A name or tag that no environment of the file bears; `kind` is "environment" or "tag"."""

    def __init__(self, file: str, kind: str, word: str, known: tuple[str, ...]) -> None:
        self.file, self.kind, self.word, self.known = file, kind, word, known
        super().__init__(file, kind, word, known)

    def __str__(self) -> str:
        hint = nearest(self.word, self.known)
        return f"{self.file}: no {self.kind} {shortened(self.word)}" + (f" ({hint})" if hint else "")


class NothingSelectedError(ArchmigError):
    """No environment was named and the file has no default one."""

    def __init__(self, file: str) -> None:
        self.file = file
        super().__init__(file)

    def __str__(self) -> str:
        return f'{self.file}: no environment chosen (name one, or set environment = "NAME" in [defaults])'


class SameDatabaseError(ArchmigError):
    """Two selections mean one database, which would be worked on twice."""

    def __init__(self, first: str, second: str, database: str) -> None:
        self.first, self.second, self.database = first, second, database
        super().__init__(first, second, database)

    def __str__(self) -> str:
        if self.first == self.second:
            return f"{self.first!r} is chosen twice, by its name and by its path {self.database} (choose it once)"
        return f"{self.first!r} and {self.second!r} are one database, {self.database} (choose one of them)"


class ResolutionsClashError(ArchmigError):
    """Two [[resolve]] entries settle one thing for one environment; `first`, `second` are their numbers."""

    def __init__(self, file: str, environment: str, subject: str, first: int, second: int) -> None:
        self.file, self.environment, self.subject = file, environment, subject
        self.first, self.second = first, second
        super().__init__(file, environment, subject, first, second)

    def __str__(self) -> str:
        return (
            f"{self.file}: resolve[{self.second}]: settles {self.subject} for {self.environment!r}, "
            f"as resolve[{self.first}] does (keep one of them)"
        )


class UnreadableSqlError(ArchmigError):
    """An SQL text that is not what SQLite's grammar has there; `position` is an offset into `sql`."""

    def __init__(self, sql: str, position: int, expected: str) -> None:
        self.sql, self.position, self.expected = sql, position, expected
        super().__init__(sql, position, expected)

    def __str__(self) -> str:
        statement = " ".join(self.sql.split())[:60]
        found = " ".join(self.sql[self.position : self.position + 30].split()) or "the end"
        return (
            f"cannot read {statement!r}: expected {self.expected} at offset {self.position}, "
            f"found {found!r}; no edit of this statement is safe, change it by hand or report it"
        )


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


class ReplayError(ArchmigError):
    """The chain could not be replayed on a scratch database; `revision` is where it stopped (empty: before any)."""

    def __init__(self, file: str, revision: str, cause: str) -> None:
        self.file, self.revision, self.cause = file, revision, cause
        super().__init__(file, revision, cause)

    def __str__(self) -> str:
        place = f" at revision {self.revision}" if self.revision else ""
        return (
            f"{self.file}: the chain does not run on an empty database{place}: {self.cause} "
            "(correct the revision; no database was touched)"
        )


class EditImpossibleError(ArchmigError):
    """An edit of a CREATE TABLE text that does not fit the table; `edit` is the edit's repr."""

    def __init__(self, table: str, edit: str, reason: str) -> None:
        self.table, self.edit, self.reason = table, edit, reason
        super().__init__(table, edit, reason)

    def __str__(self) -> str:
        return f"table {self.table!r}: {self.edit} cannot be made: {self.reason}; change the table by hand"


class RebuildRefusedError(ArchmigError):
    """A table that is not rebuilt, left as it was; `reason` says why and what would help."""

    def __init__(self, table: str, reason: str) -> None:
        self.table, self.reason = table, reason
        super().__init__(table, reason)

    def __str__(self) -> str:
        return f"table {self.table!r} is not rebuilt: {self.reason}"


class ValuesWouldChangeError(ArchmigError):
    """A rebuild would alter values of a column that is to stay; `examples` are short and `count` is of rows."""

    def __init__(self, table: str, column: str, count: int, examples: tuple[str, ...]) -> None:
        self.table, self.column, self.count, self.examples = table, column, count, examples
        super().__init__(table, column, count, examples)

    def __str__(self) -> str:
        values = "1 value" if self.count == 1 else f"{self.count} values"
        return (
            f"table {self.table!r}: {values} of column {self.column!r} would change "
            f"({'; '.join(self.examples)}); nothing was changed: say how to convert them in a [[resolve]] entry"
        )


class RowsForbidError(ArchmigError):
    """Rows that break a constraint of the new table; `count` is of rows, None where SQLite does not tell."""

    def __init__(self, table: str, constraint: str, count: int | None, examples: tuple[str, ...]) -> None:
        self.table, self.constraint, self.count, self.examples = table, constraint, count, examples
        super().__init__(table, constraint, count, examples)

    def __str__(self) -> str:
        counted = "1 row forbids" if self.count == 1 else f"{self.count} rows forbid"
        rows = "rows forbid" if self.count is None else counted
        examples = f" ({'; '.join(self.examples)})" if self.examples else ""
        return (
            f"table {self.table!r}: {rows} {self.constraint}{examples}; "
            "nothing was changed: mend the rows, or say in a [[resolve]] entry how to fill them"
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


class DriftedError(ArchmigError):
    """A database whose schema is not what the chain makes at its head, though its version says so."""

    def __init__(self, environment: str, drift: tuple[str, ...]) -> None:
        self.environment, self.drift = environment, drift
        super().__init__(environment, drift)

    def __str__(self) -> str:
        count = f"{len(self.drift)} differences" if len(self.drift) != 1 else "1 difference"
        return (
            f"{self.environment}: {count} from the chain's head, though its version says that it is there "
            "(`archmig reconcile` settles them)"
        )


class BackupError(ArchmigError):
    """A backup that was not made; no file of it is left. `path` is the database or the folder: what is at fault."""

    def __init__(
        self, path: str, problem: str, advice: str = "nothing was changed: see to it, then run this again"
    ) -> None:
        self.path, self.problem, self.advice = path, problem, advice
        super().__init__(path, problem, advice)

    def __str__(self) -> str:
        return f"{self.path}: no backup was made: {self.problem}; {self.advice}"


class LedgerError(ArchmigError):
    """The ledger at `file` cannot be read or written; what it would have told of is done all the same."""

    def __init__(self, file: str, problem: str) -> None:
        self.file, self.problem = file, problem
        super().__init__(file, problem)

    def __str__(self) -> str:
        return f"{self.file}: no use as a ledger: {self.problem}; no database is affected: move the file away"


class QuestionError(ArchmigError):
    """A question about rows that SQLite could not answer; `cause` is its error's text."""

    def __init__(self, table: str, question: str, cause: str) -> None:
        self.table, self.question, self.cause = table, question, cause
        super().__init__(table, question, cause)

    def __str__(self) -> str:
        return f"table {self.table!r}: cannot tell {self.question}: {self.cause}; nothing was changed"


class ChangedMeanwhileError(ArchmigError):
    """Between the plan and the lock somebody changed the database; `name` is the environment."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)

    def __str__(self) -> str:
        return f"{self.name}: changed while the plan was looked at; nothing was done: run it again to see the new plan"


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


class UnexpectedError(ArchmigError):
    """Something that archmig did not foresee went wrong on one environment; `trace` is for `--debug`."""

    def __init__(self, name: str, cause: str, trace: str) -> None:
        self.name, self.cause, self.trace = name, cause, trace
        super().__init__(name, cause, trace)

    def __str__(self) -> str:
        return f"{self.name}: unexpected {self.cause} (a defect of archmig: --debug shows where; nothing was committed)"


class StoppedError(ArchmigError):
    """A run on one environment that Ctrl-C stopped, or that was not begun because of it."""

    def __init__(self, name: str, how: str) -> None:
        self.name, self.how = name, how
        super().__init__(name, how)

    def __str__(self) -> str:
        return f"{self.name}: {self.how} and is as it was before: run it again"


class DemoError(ArchmigError):
    """The chain's demo could not be built; `place` is its file or the directory it was to fill."""

    def __init__(self, place: str, problem: str, advice: str) -> None:
        self.place, self.problem, self.advice = place, problem, advice
        super().__init__(place, problem, advice)

    def __str__(self) -> str:
        return f"{self.place}: no demo: {self.problem} ({self.advice})"


class UsageError(ArchmigError):
    """A command line that says too little or contradicts itself; `advice` is what to write instead."""

    def __init__(self, problem: str, advice: str) -> None:
        self.problem, self.advice = problem, advice
        super().__init__(problem, advice)

    def __str__(self) -> str:
        return f"{self.problem} ({self.advice})"


class RestoreError(ArchmigError):
    """A restore that was refused or could not be finished; `place` is the backup or the database, `advice` the rest."""

    def __init__(self, place: str, problem: str, advice: str) -> None:
        self.place, self.problem, self.advice = place, problem, advice
        super().__init__(place, problem, advice)

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}; {self.advice}"
