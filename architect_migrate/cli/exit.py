"""How a command ends: whatever happens becomes an exit code and at most one line on stderr."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.core.errors import ArchmigError, OutputError
from architect_migrate.core.text import harmless
from architect_migrate.core.urls import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from architect_migrate.cli.context import Options

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
