"""Ends a command: turns every error into an exit code and at most one line on stderr."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from architect_migrate.cli.present import present_failure
from architect_migrate.cli.terminal import complain, flush, say
from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.cli.context import Options


INTERRUPTED = 130


def guarded(options: Options, body: Callable[[], int]) -> int:
    """Run a command's body and return its exit code: 2 for an error, 130 for a Ctrl-C, each with a line on stderr."""
    try:
        code = body()
        flush()
    except KeyboardInterrupt:
        say("interrupted; the database in progress is unchanged, finished ones keep their changes")
        return INTERRUPTED
    except ArchmigError as error:
        return _refused(options, error)
    except OSError as error:
        return _refused(options, _of_the_system(error))
    except Exception as error:  # noqa: BLE001  (the last resort: no traceback is printed without --debug)
        return _defect(options, error)
    return code


def _of_the_system(error: OSError) -> DatabaseError:
    place = str(error.filename or "the system")
    told = DatabaseError(place, error.strerror or str(error), "fix this, then run it again")
    told.__cause__ = error
    return told


def misused(error: Exception) -> int:
    """Print Typer's message about a wrong command line on stderr, secrets masked, and return its exit code.

    Every usage error of Typer has `show` and `exit_code`; the class has no public name. Raises any other error again.
    """
    show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if show is None or not isinstance(code, int):
        raise error
    message = StringIO()
    show(message)
    say(mask(message.getvalue()), end="")
    return code


def _refused(options: Options, error: ArchmigError) -> int:
    complain(str(error))
    return _failed(options, error)


def _defect(options: Options, error: Exception) -> int:
    hint = "" if options.debug else "; --debug shows where"
    complain(f"unexpected {type(error).__name__}: {error} (this is a defect of archmig{hint})")
    return _failed(options, error)


def _failed(options: Options, error: Exception) -> int:
    """Print the traceback with --debug and the JSON document with --json, and return the exit code."""
    if options.debug:
        from traceback import format_exception

        say(mask("".join(format_exception(error))).rstrip())
    return present_failure(options, error)
