"""The base of all errors, which renders the message from typed fields, and the errors of files and commands."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any, ClassVar, Literal, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


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


class _Attributes(Formatter):
    """Fills a format string from the attributes of an object; a tuple is joined by its format spec, or by commas."""

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
    """Declare a field that the constructor does not take: a format string over the other attributes of the error."""
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
    """Anything that archmig refuses or could not do; `str()` is the message: subject, problem, advice.

    `subject` is the object (a file, an environment, a revision), `problem` the surprise and `advice` the next step;
    the subject and the advice may be empty. A subclass takes them as fields, derives them from its other fields with
    derived(), or computes problem and advice in `_said`. The class argument `layout` is the format string of the
    message, where `{_hint}` is the advice in brackets, or nothing if there is no advice.
    `trace` is where the error came from, for `--debug`; it is kept when the error is sent to another process.
    """

    subject: str

    @property
    def problem(self) -> str:
        """What is wrong."""
        return self._said()[0]

    @property
    def advice(self) -> str:
        """What to do next."""
        return self._said()[1]

    def _said(self) -> tuple[str, str]:
        return "", ""

    @property
    def _hint(self) -> str:
        return f" ({self.advice})" if self.advice else ""

    def __str__(self) -> str:
        return _filled(self.layout, self)


class StatedError(ArchmigError):
    """An error whose problem and advice are stated where it is raised."""

    problem: str
    advice: str


class ConfigError(ArchmigError, layout="{_where}: {problem}{_hint}"):
    """A configuration file says something that archmig cannot follow.

    `place` is the dotted key in the file (or `line N`), `problem` what is wrong, `advice` the nearest word.
    """

    place: str
    problem: str
    advice: str = ""

    @property
    def _where(self) -> str:
        return f"{self.subject}: {self.place}" if self.place else self.subject


class BadUrlError(StatedError, layout="{problem}{_hint}"):
    """A text that names no database archmig knows; never carries the text, which may hold a password."""

    subject: str = derived("")
    advice: str = ""


class ConfigNotFoundError(ArchmigError, layout="{problem}{_hint}"):
    """No environments.toml where one was looked for; `looked` are the places in the order of looking."""

    subject: str = derived("")
    looked: tuple[str, ...]
    problem: str = derived("no environments.toml: looked at {looked}")
    advice: str = derived("write one, or name it: -c FILE")


class UnknownEnvironmentError(ArchmigError):
    """A name or tag that no environment of the file bears; `kind` is "environment" or "tag"."""

    kind: str
    word: str
    known: tuple[str, ...]

    def _said(self) -> tuple[str, str]:
        return f"no {self.kind} {shortened(self.word)}", nearest(self.word, self.known)


class NothingSelectedError(ArchmigError):
    """No environment was named and the file has no default one."""

    problem: str = derived("no environment chosen")
    advice: str = derived('name one, or set environment = "NAME" in [defaults]')


class SameDatabaseError(ArchmigError, layout="{problem}{_hint}"):
    """Two selections mean one database, which would be worked on twice."""

    subject: str = derived("")
    first: str
    second: str
    database: str

    def _said(self) -> tuple[str, str]:
        if self.first == self.second:
            return f"{self.first!r} is chosen twice, by its name and by its path {self.database}", "choose it once"
        return f"{self.first!r} and {self.second!r} are one database, {self.database}", "choose one of them"


class ResolutionsClashError(ArchmigError):
    """Two [[resolve]] entries settle one thing for one environment; `first`, `second` are their numbers."""

    environment: str
    settled: str
    first: int
    second: int
    problem: str = derived("resolve[{second}]: settles {settled} for {environment!r}, as resolve[{first}] does")
    advice: str = derived("keep one of them")


class LedgerError(StatedError, layout="{subject}: no use as a ledger: {problem}; no database is affected: {advice}"):
    """The ledger, a file, cannot be read or written; what it would have told of is done all the same."""

    advice: str = "move the file away"


class UnexpectedError(ArchmigError):
    """Something that archmig did not foresee went wrong on one environment; `trace` is for `--debug`."""

    cause: str
    trace: str
    problem: str = derived("unexpected {cause}")
    advice: str = derived("a defect of archmig: --debug shows where; of the run, all is there or nothing")


class StoppedError(ArchmigError, layout="{subject}: {problem}: {advice}"):
    """A run on one environment that Ctrl-C stopped, or that was not begun because of it."""

    how: str
    problem: str = derived("{how} and is as it was before")
    advice: str = derived("run it again")


class WorkerDiedError(ArchmigError, layout="{subject}: {problem}: {advice}"):
    """With `--jobs`, a process that worked on an environment died, or that beside it, which ends all at once."""

    problem: str = derived(
        "a process of --jobs was killed (by whom, or for want of memory, the system's log may tell); "
        "what is there now is all of the run or nothing of it"
    )
    advice: str = derived("run it again, with --jobs 1 if that comes again")


class FolderBusyError(ArchmigError):
    """Another archmig was adding to a folder for longer than it was waited for."""

    seconds: float
    problem: str = derived("another archmig is writing there, and was waited for {seconds:g} s")
    advice: str = derived("run it again")


class EntryError(ArchmigError, layout="{subject}: {_name} {problem}{_hint}"):
    """An environment that cannot be entered in a file or taken out of it; `subject` is the file."""

    environment: str
    problem: str
    advice: str

    @property
    def _name(self) -> str:
        return shortened(self.environment)


class DemoError(StatedError, layout="{subject}: no demo: {problem}{_hint}"):
    """The demo could not be built; `subject` is the directory that it was to be written into."""


class PagesError(StatedError):
    """A folder of pages that cannot be compared or written; `subject` is the file or folder in the way."""


class UsageError(StatedError, layout="{problem}{_hint}"):
    """A command line that says too little or contradicts itself; `advice` is what to write instead."""

    subject: str = derived("")


class OutputError(
    ArchmigError, layout="{subject}: {problem}; what was changed stays changed (`archmig log` tells): {advice}"
):
    """What a command has to say does not go into stdout; `reason` is the system's."""

    subject: str = derived("stdout")
    reason: str
    problem: str = derived("the result could not be written: {reason}")
    advice: str = derived("free some space, or send the result elsewhere")


class NotifyError(ArchmigError, layout="{subject} {problem}{_hint}"):
    """Somebody was not told of a change; `subject` is the webhook's host or the command's name, and no more of it."""

    reason: str
    problem: str = derived("was not told: {reason}")
    advice: str = derived("the check stands, and the next one with --notify tells it again")
