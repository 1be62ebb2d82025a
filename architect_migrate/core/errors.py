"""What can go wrong, as types with fields: the message is derived from the fields and names the next step."""

from __future__ import annotations

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
    """Anything that archmig refuses or could not do; `str()` is the message: object, surprise, next step.

    `trace` is where it came from, for `--debug`; it goes with the error from process to process.
    """

    trace: str = ""

    def __reduce__(self) -> tuple[object, ...]:
        """As it is, for another process: an error's own arguments need not be those of its base."""
        return _revived, (type(self), self.args, self.__dict__)


def _revived(kind: type[ArchmigError], args: tuple[object, ...], fields: dict[str, object]) -> ArchmigError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


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


class LedgerError(ArchmigError):
    """The ledger at `file` cannot be read or written; what it would have told of is done all the same."""

    def __init__(self, file: str, problem: str, advice: str = "move the file away") -> None:
        self.file, self.problem, self.advice = file, problem, advice
        super().__init__(file, problem, advice)

    def __str__(self) -> str:
        return f"{self.file}: no use as a ledger: {self.problem}; no database is affected: {self.advice}"


class UnexpectedError(ArchmigError):
    """Something that archmig did not foresee went wrong on one environment; `trace` is for `--debug`."""

    def __init__(self, name: str, cause: str, trace: str) -> None:
        self.name, self.cause, self.trace = name, cause, trace
        super().__init__(name, cause, trace)

    def __str__(self) -> str:
        where = "--debug shows where; of the run, all is there or nothing"
        return f"{self.name}: unexpected {self.cause} (a defect of archmig: {where})"


class StoppedError(ArchmigError):
    """A run on one environment that Ctrl-C stopped, or that was not begun because of it."""

    def __init__(self, name: str, how: str) -> None:
        self.name, self.how = name, how
        super().__init__(name, how)

    def __str__(self) -> str:
        return f"{self.name}: {self.how} and is as it was before: run it again"


class WorkerDiedError(ArchmigError):
    """With `--jobs`, a process that worked on an environment died, or that beside it, which ends all at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)

    def __str__(self) -> str:
        return (
            f"{self.name}: a process of --jobs was killed (by whom, or for want of memory, the system's log may tell); "
            "what is there now is all of the run or nothing of it: run it again, with --jobs 1 if that comes again"
        )


class FolderBusyError(ArchmigError):
    """Another archmig was adding to a folder for longer than it was waited for."""

    def __init__(self, folder: str, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        super().__init__(folder, seconds)

    def __str__(self) -> str:
        return f"{self.folder}: another archmig is writing there, and was waited for {self.seconds:g} s (run it again)"


class EntryError(ArchmigError):
    """An environment that cannot be entered in a file or taken out of it; `advice` is the next step."""

    def __init__(self, file: str, environment: str, problem: str, advice: str) -> None:
        self.file, self.environment, self.problem, self.advice = file, environment, problem, advice
        super().__init__(file, environment, problem, advice)

    def __str__(self) -> str:
        return f"{self.file}: {shortened(self.environment)} {self.problem} ({self.advice})"


class DemoError(ArchmigError):
    """The chain's demo could not be built; `place` is its file or the directory it was to fill."""

    def __init__(self, place: str, problem: str, advice: str) -> None:
        self.place, self.problem, self.advice = place, problem, advice
        super().__init__(place, problem, advice)

    def __str__(self) -> str:
        return f"{self.place}: no demo: {self.problem} ({self.advice})"


class PagesError(ArchmigError):
    """A folder of pages that cannot be compared or written; `place` is the file or folder in the way."""

    def __init__(self, place: str, problem: str, advice: str) -> None:
        self.place, self.problem, self.advice = place, problem, advice
        super().__init__(place, problem, advice)

    def __str__(self) -> str:
        return f"{self.place}: {self.problem} ({self.advice})"


class UsageError(ArchmigError):
    """A command line that says too little or contradicts itself; `advice` is what to write instead."""

    def __init__(self, problem: str, advice: str) -> None:
        self.problem, self.advice = problem, advice
        super().__init__(problem, advice)

    def __str__(self) -> str:
        return f"{self.problem} ({self.advice})"


class OutputError(ArchmigError):
    """What a command has to say does not go into stdout; `problem` is the system's reason."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)

    def __str__(self) -> str:
        return (
            f"stdout: the result could not be written: {self.problem}; what was changed stays changed "
            "(`archmig log` tells): free some space, or send the result elsewhere"
        )


class NotifyError(ArchmigError):
    """Somebody was not told of a change; `who` is the webhook's host or the command's name, and no more of either."""

    def __init__(self, who: str, problem: str) -> None:
        self.who, self.problem = who, problem
        super().__init__(who, problem)

    def __str__(self) -> str:
        return (
            f"{self.who} was not told: {self.problem} (the check stands, and the next one with --notify tells it again)"
        )
