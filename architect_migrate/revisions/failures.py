"""Errors of the chain's files: where in them an exception was raised, and the error that says so."""

from __future__ import annotations

import sysconfig
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

from alembic.script.revision import RevisionError
from alembic.util import CommandError

from architect_migrate.core.chain_errors import ChainError
from architect_migrate.core.errors import ArchmigError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = f"{Path(__file__).parents[1]}/"


def place_of(error: BaseException) -> str:
    """Return the line of the chain's own code that raised an exception: `FILE, line 3`; empty if none did.

    Frames of libraries are passed over, so that it is the line that called them. An exception that archmig raised
    below the chain's code has no place in it.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    for frame in reversed(extract_tb(error.__traceback__)):
        if frame.filename.startswith(_OURS):
            return ""
        if not frame.filename.startswith(("<", *_libraries())):
            return f"{frame.filename}, line {frame.lineno}"
    return ""


@lru_cache(maxsize=1)
def _libraries() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple(f"{paths[name]}/" for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def words_of(error: BaseException) -> str:
    """Return an exception's type and its text on one line; for an error of a statement the driver's own text."""
    words = " ".join(str(getattr(error, "orig", "") or error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


@contextmanager
def file_errors(ini: Path) -> Iterator[None]:
    """Convert errors in the chain's files to ChainError, which names the file and line, else the chain."""
    try:
        yield
    except (ArchmigError, KeyboardInterrupt):
        raise
    except (CommandError, UserWarning) as error:
        raise ChainError(str(ini), " ".join(str(error).split())) from error
    except SyntaxError as error:
        if error.filename is None:  # Python does not name a file that contains a NUL
            raise ChainError(str(ini), f"one of its files: {error.msg}") from error
        raise ChainError(place_of(error), str(error.msg)) from error
    except (Exception, SystemExit) as error:
        if place := place_of(error):
            raise ChainError(place, words_of(error)) from error
        if isinstance(error, KeyError):
            raise ChainError(str(ini), f"a revision comes after {error}, which no file defines") from error
        if isinstance(error, ImportError | AttributeError | OSError | RevisionError | SystemExit):
            raise ChainError(str(ini), words_of(error)) from error
        raise
