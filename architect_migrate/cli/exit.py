"""How a command ends: whatever happens becomes an exit code and at most one line on stderr."""

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
    told = DatabaseError(place, error.strerror or str(error), "fix this, then run it again")
    told.__cause__ = error
    return told


def misused(error: Exception) -> int:
    """The exit code of a command line that Typer cannot use, after its message on stderr, without secrets.

    Every usage error of Typer has `show` and `exit_code`; their class has no public name. Raises any other error again.
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
    """The exit code, after the error's trace where that was asked for, and its document."""
    if options.debug:
        from traceback import format_exception

        say(mask("".join(format_exception(error))).rstrip())
    return present_failure(options, error)
