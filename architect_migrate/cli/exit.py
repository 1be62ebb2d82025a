"""How a command ends: whatever happens becomes an exit code and at most one line on stderr."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, TextIO

from architect_migrate.cli.report.layout import ansi, plain
from architect_migrate.config.policies import may_be_changed
from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.core.errors import ArchmigError, OutputError, UsageError
from architect_migrate.core.text import harmless
from architect_migrate.core.urls import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from architect_migrate.cli.context import Options
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import Setting


INTERRUPTED = 130


def guarded(options: Options, body: Callable[[], int]) -> int:
    """The body's exit code; 2 with a line on stderr for what it raises, 130 when it was interrupted."""
    try:
        code = body()
        flush()
    except KeyboardInterrupt:
        say("interrupted; what was being worked on is as it was before, what was finished stays")
        return INTERRUPTED
    except ArchmigError as error:
        return _refused(options, error)
    except OSError as error:
        return _refused(options, _of_the_system(error))
    except Exception as error:  # noqa: BLE001  (the last line of defence: nobody is shown a traceback unasked)
        return _defect(options, error)
    return code


def _of_the_system(error: OSError) -> DatabaseError:
    place = str(error.filename or "the system")
    told = DatabaseError(place, error.strerror or str(error), "see to it, then run it again")
    told.__cause__ = error
    return told


def say(text: str, end: str = "\n") -> None:
    """A line of narration on stderr; a stderr that nobody reads any more, or whose disk is full, stops nothing."""
    try:
        sys.stderr.write(f"{text}{end}")
        sys.stderr.flush()
    except ValueError:
        return
    except OSError:
        _let_go_of(sys.stderr)


def write(text: str) -> None:
    """A result on stdout, with what the terminal's encoding lacks replaced; nobody reading any more changes nothing.

    Raises OutputError where it cannot be kept: its disk is full.
    """
    encoding = sys.stdout.encoding or "utf-8"
    with _kept():
        sys.stdout.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))


def flush() -> None:
    """Send off what was written, while a broken pipe can still be told from an error. Raises OutputError."""
    with _kept():
        sys.stdout.flush()


def unwritten(error: OSError | OutputError) -> int:
    """The exit code, with a line on stderr, where Typer's own words did not reach stdout: help and the version."""
    _let_go_of(sys.stdout)
    complain(str(error if isinstance(error, OutputError) else OutputError(error.strerror or str(error))))
    return 2


def complain(message: str) -> None:
    """One line on stderr that says what went wrong, without its secrets."""
    say(f"archmig: {harmless(message)}")


def _refused(options: Options, error: ArchmigError) -> int:
    complain(str(error))
    _report(options, error)
    return 2


def _defect(options: Options, error: Exception) -> int:
    hint = "" if options.debug else "; --debug shows where"
    complain(f"unexpected {type(error).__name__}: {error} (this is a defect of archmig{hint})")
    _report(options, error)
    return 2


def _report(options: Options, error: Exception) -> None:
    """The error as the JSON document where one was asked for, and its trace where that was."""
    if options.debug:
        from traceback import format_exception

        say(mask("".join(format_exception(error))).rstrip())
    if options.as_json:
        from architect_migrate.cli.report.documents import error_document

        write(error_document(options.command, 2, type(error).__name__, str(error)))
        flush()


@contextmanager
def _kept() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        _let_go_of(sys.stdout)
    except OSError as error:
        _let_go_of(sys.stdout)
        raise OutputError(error.strerror or str(error)) from error


def _let_go_of(stream: TextIO) -> None:
    """What is still buffered goes nowhere, and the interpreter's last flush is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


_WIDTH = 120


def paint() -> Paint:
    """How stdout is painted: NO_COLOR and FORCE_COLOR win, else a terminal gets colours."""
    if os.environ.get("NO_COLOR"):
        return plain
    if os.environ.get("FORCE_COLOR"):
        return ansi
    return ansi if on_terminal(sys.stdout) and os.environ.get("TERM") != "dumb" else plain


def width() -> int:
    """The columns of stdout: COLUMNS, else the terminal's, else 120, so that what goes into files is stable."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    return shutil.get_terminal_size().columns if on_terminal(sys.stdout) else _WIDTH


def on_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal; one that is closed is none."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def ask(question: str) -> str:
    """What is answered to a question on stderr; empty when the input ends."""
    say(question, end=" ")
    answer = sys.stdin.readline()
    if not answer:
        say("")
    return answer.strip()


class Consent(Enum):
    """Whether `--yes` was said, or somebody has to be asked."""

    GIVEN = "given"
    ASKED_FOR = "asked for"


def agreed(options: Options, settings: tuple[Setting, ...], consent: Consent) -> tuple[Setting, ...]:
    """Those of the environments that may be changed. Raises UsageError where nobody is there to ask."""
    if consent is Consent.GIVEN:
        return settings
    require_somebody(f"look with archmig {options.command} --dry-run, then add --yes")
    free = tuple(it for it in settings if may_be_changed(it.environment))
    names = ", ".join(it.environment.name for it in free)
    allowed = bool(free) and ask(f"{options.command} {names}? [y/N]").lower() in {"y", "yes"}
    return tuple(it for it in settings if (allowed if may_be_changed(it.environment) else _named(options, it)))


def require_somebody(advice: str) -> None:
    """Raise UsageError where nobody is there to ask; `advice` is what to write instead."""
    if not on_terminal(sys.stdin):
        raise UsageError("nobody is there to ask, and nothing was changed", advice)


def _named(options: Options, setting: Setting) -> bool:
    """Whether a protected environment's name was typed."""
    name = setting.environment.name
    typed = ask(f"{name} is protected: type its name to {options.command} it, anything else leaves it:")
    if may_be_changed(setting.environment, typed):
        return True
    say(f"{name}: left as it is")
    return False
