"""The base class of all errors, which renders messages from typed fields, and the errors of files and commands."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any, ClassVar, Literal, dataclass_transform

from architect_migrate.core.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def shortened(word: str) -> str:
    """Quote a word on one line: mask the secrets of URLs, escape control characters, cut after 40 characters."""
    # Why masked first: a URL that is cut before its @ is no longer recognised.
    masked = mask(word)
    return repr(masked if len(masked) <= 40 else f"{masked[:40]}…")


def meant(word: str, known: Iterable[str]) -> str:
    """Return the question whether the most similar known word was meant; empty if none is similar."""
    # Why here: only a command that fails pays for the import.
    from difflib import get_close_matches

    close = get_close_matches(word[:80].lower(), sorted(known), n=1, cutoff=0.6)
    return f"did you mean {shortened(close[0])}?" if close else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the hint for an unknown word: the most similar known word, else up to 12 known words."""
    words = sorted(known)
    if similar := meant(word, words):
        return similar
    more = ", …" if len(words) > 12 else ""
    return f"known: {', '.join(mask(word)[:40] for word in words[:12])}{more}" if words else ""


class _Attributes(Formatter):
    """Formatter that reads an object's attributes; a tuple is joined by its format spec, or by commas."""

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:  # noqa: ARG002  # as in Formatter
        return getattr(args[0], str(key))

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, tuple):
            return (format_spec or ", ").join(value)
        return str(super().format_field(value, format_spec))


def _filled(template: str, error: _FieldsError) -> str:
    return _Attributes().vformat(template, (error,), {})


def _given(name: str) -> property:
    return property(lambda error: error.__dict__[name])


def derived(template: str, *, init: Literal[False] = False) -> Any:  # noqa: ARG001  # its default tells type checkers the same
    """Declare a field that the constructor does not take: `template` is a format string over other attributes."""
    return property(lambda error: _filled(template, error))


@dataclass_transform(eq_default=False, frozen_default=True, field_specifiers=(derived,))
class _FieldsError(Exception):
    """An exception declared like a frozen dataclass: annotations are its fields, and its constructor takes them.

    Why not `@dataclass`: a frozen dataclass refuses every assignment, but Python itself assigns to exceptions:
    contextlib sets `__traceback__`, add_note() sets `__notes__`. Here each field is a property without a setter, and
    other attributes can be set. `@dataclass` also compiles a constructor for each class, which would add about 10 ms
    to the start of every command. Errors are compared and hashed by identity, like any exception.
    """

    trace: str = ""
    layout = "{subject}: {problem}{_hint}"
    # The arguments in order, with their defaults; `...` where an argument has to be given.
    _arguments: ClassVar[dict[str, object]] = {}

    def __init_subclass__(cls, *, layout: str = "") -> None:
        super().__init_subclass__()
        cls.layout = layout or cls.layout
        cls._arguments = cls._arguments.copy()
        for name in cls.__annotations__:
            value = cls.__dict__.get(name, ...)
            if isinstance(value, property):
                cls._arguments.pop(name, None)
            else:
                cls._arguments[name] = value
                setattr(cls, name, _given(name))

    def __init__(self, *values: object, **named: object) -> None:
        ordered = dict(zip(self._arguments, values, strict=False))
        fields = self._arguments | ordered | named
        known = fields.keys() == self._arguments.keys() and not ordered.keys() & named.keys()
        if len(values) > len(ordered) or not known or ... in fields.values():
            raise TypeError(f"{type(self).__name__} takes {', '.join(self._arguments)}")
        super().__init__(*fields.values())
        self.__dict__.update(fields)

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickling: fields are read-only, so the notes and the trace are restored past their properties."""
        return _revived, (type(self), self.args, self.__dict__)


def _revived(kind: type[_FieldsError], args: tuple[object, ...], fields: dict[str, object]) -> _FieldsError:
    error = kind(*args)
    error.__dict__.update(fields)
    return error


class ArchmigError(_FieldsError):
    """Base class of everything that archmig refuses or fails to do; `str()` is the message.

    `subject` is the object (a file, an environment, a revision), `problem` the surprise and `advice` the next step;
    the subject and the advice may be empty. A subclass takes them as fields, derives them from its other fields with
    derived(), or computes problem and advice in `_problem_and_advice`. The class argument `layout` is the format
    string of the message, where `{_hint}` is the advice in brackets, or nothing if there is no advice.
    `trace` is the traceback's text for `--debug`; it is kept when the error is sent to another process.
    """

    subject: str

    @property
    def problem(self) -> str:
        """The fault that was detected."""
        return self._problem_and_advice()[0]

    @property
    def advice(self) -> str:
        """The next step for the user."""
        return self._problem_and_advice()[1]

    def _problem_and_advice(self) -> tuple[str, str]:
        return "", ""

    @property
    def _hint(self) -> str:
        return f" ({self.advice})" if self.advice else ""

    def __str__(self) -> str:
        return _filled(self.layout, self)


class StatedError(ArchmigError):
    """An error whose problem and advice are arguments of the constructor."""

    problem: str
    advice: str


class ConfigError(ArchmigError, layout="{_where}: {problem}{_hint}"):
    """An invalid configuration file.

    `place` is the dotted key in the file (or `line N`), `problem` the fault, `advice` the nearest valid word.
    """

    place: str
    problem: str
    advice: str = ""

    @property
    def _where(self) -> str:
        return f"{self.subject}: {self.place}" if self.place else self.subject


class BadUrlError(StatedError, layout="{problem}{_hint}"):
    """A text that names no database archmig supports; never contains the text, which may hold a password."""

    subject: str = derived("")
    advice: str = ""


class ConfigNotFoundError(ArchmigError, layout="{problem}{_hint}"):
    """A missing environments.toml; `looked` are the places that were searched, in order."""

    subject: str = derived("")
    looked: tuple[str, ...]
    problem: str = derived("no environments.toml: looked at {looked}")
    advice: str = derived("archmig init writes one; -c FILE names another")


class UnknownEnvironmentError(ArchmigError):
    """A name or tag that no environment of the file has; `kind` is "environment" or "tag"."""

    kind: str
    word: str
    known: tuple[str, ...]

    def _problem_and_advice(self) -> tuple[str, str]:
        return f"no {self.kind} {shortened(self.word)}", nearest(self.word, self.known)


class NothingSelectedError(ArchmigError):
    """A command without an environment, in a project without a default one."""

    problem: str = derived("no environment chosen")
    advice: str = derived('name one, or set environment = "NAME" in [defaults]')


class NoFileMatchesError(ArchmigError):
    """A section with a pattern that matches no file, or whose files cannot be found; nothing else was selected."""

    section: str
    cause: str
    problem: str = derived("env.{section}: {cause}")
    advice: str = derived("correct its path, or create a database there first")


class SeveralEnvironmentsError(ArchmigError):
    """The name of several environments where one is needed."""

    word: str
    members: tuple[str, ...]

    def _problem_and_advice(self) -> tuple[str, str]:
        some = ", ".join(shortened(name) for name in self.members[:3])
        more = ", …" if len(self.members) > 3 else ""
        return f"{shortened(self.word)} stands for several environments", f"name one of them: {some}{more}"


class SameDatabaseError(ArchmigError, layout="{problem}{_hint}"):
    """Two selected environments that are one database, which would be processed twice."""

    subject: str = derived("")
    first: str
    second: str
    database: str

    def _problem_and_advice(self) -> tuple[str, str]:
        if self.first == self.second:
            return f"{self.first!r} is chosen twice, by its name and by its path {self.database}", "choose it once"
        return f"{self.first!r} and {self.second!r} are one database, {self.database}", "choose one of them"


class ResolutionsClashError(ArchmigError):
    """Two [[resolve]] entries for the same object and environment; `first`, `second` are their numbers."""

    environment: str
    settled: str
    first: int
    second: int
    problem: str = derived("resolve[{second}]: settles {settled} for {environment!r}, as resolve[{first}] does")
    advice: str = derived("keep one of them")


class LedgerError(StatedError, layout="{subject}: cannot use the ledger: {problem}; no database is affected: {advice}"):
    """A ledger file that cannot be read or written; the run that it should have recorded is not undone."""

    advice: str = "move the file away"


class UnexpectedError(ArchmigError):
    """An unexpected exception while one environment was processed; `trace` is for `--debug`."""

    cause: str
    trace: str
    problem: str = derived("unexpected {cause}")
    advice: str = derived("this is a bug in archmig: --debug shows where; either the whole run is there or none of it")


class StoppedError(ArchmigError, layout="{subject}: {problem}: {advice}"):
    """A run on one environment that Ctrl-C stopped or prevented; `how` says which."""

    how: str
    problem: str = derived("{how} and is as it was before")
    advice: str = derived("run it again")


class WorkerDiedError(ArchmigError, layout="{subject}: {problem}: {advice}"):
    """A worker process of `--jobs` that died; it or another worker of the same pool had this environment.

    Why both: when one worker dies, the pool ends all of them.
    """

    problem: str = derived(
        "a process of --jobs was killed (the system's log may say why, for example too little memory); "
        "either the whole run is there or none of it"
    )
    advice: str = derived("run it again, with --jobs 1 if it happens again")


class FolderBusyError(ArchmigError):
    """A folder that another archmig process kept locked for longer than the timeout of `seconds`."""

    seconds: float
    problem: str = derived("locked by another archmig process for more than {seconds:g} s")
    advice: str = derived("run it again")


class EntryError(ArchmigError, layout="{subject}: {_name} {problem}{_hint}"):
    """An environment that cannot be added to a configuration file or removed from it; `subject` is the file."""

    environment: str
    problem: str
    advice: str

    @property
    def _name(self) -> str:
        return shortened(self.environment)


class DemoError(StatedError, layout="{subject}: no demo: {problem}{_hint}"):
    """A demo that could not be built; `subject` is the target directory."""


class PagesError(StatedError):
    """A folder of pages that cannot be compared or written; `subject` is the file or folder in the way."""


class UsageError(StatedError, layout="{problem}{_hint}"):
    """An incomplete or contradictory command line; `advice` is what to write instead."""

    subject: str = derived("")


class OutputError(
    ArchmigError, layout="{subject}: {problem}; changes that were made remain (see `archmig log`): {advice}"
):
    """A result that could not be written to stdout; `reason` is the system's."""

    subject: str = derived("stdout")
    reason: str
    problem: str = derived("the result could not be written: {reason}")
    advice: str = derived("free some space, or send the result elsewhere")


class NotifyError(ArchmigError, layout="{subject} {problem}{_hint}"):
    """A notification that failed; `subject` is the webhook's host or the command's name, without its secrets."""

    reason: str
    problem: str = derived("was not notified: {reason}")
    advice: str = derived("the check's result is not affected; the next check with --notify notifies again")
