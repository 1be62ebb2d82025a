"""Errors of a revision's code as those of the revision, what they say of it, and all errors as Alembic's."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.util import CommandError

import alembic
from architect_migrate.core.chain_errors import RevisionFailedError, RevisionLosesError
from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.sql_errors import CastLosesError
from architect_migrate.databases.registry import driver_errors, watching
from architect_migrate.revisions.failures import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def revision_errors(revision: str, action: str) -> Iterator[None]:
    """Convert exceptions of a revision to RevisionFailedError; archmig's own errors and Ctrl-C pass through.

    Why BaseException: a revision that calls sys.exit() must not end archmig.
    """
    try:
        yield
    except (TransactionEndedError, CastLosesError) as error:
        raise RevisionFailedError(revision, action, str(error)) from error
    except (ArchmigError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise RevisionFailedError(revision, action, words_of(error), _lint_code(error, action)) from error


def _lint_code(error: BaseException, action: str) -> str:
    """The lint rule that explains why a statement fails on rows; empty for any other error."""
    original = getattr(error, "orig", None) or error
    code = watching.lint_code(original) if isinstance(original, driver_errors()) else ""
    if not code or action == "upgrade()":
        return code
    return "AM501" if action == "downgrade()" else ""


def is_of_the_schema(error: RevisionFailedError) -> bool:
    """Whether a revision failed by what objects there are, so that it fails whatever rows there are."""
    cause = error.__cause__
    original = getattr(cause, "orig", None) or cause
    if isinstance(error, RevisionLosesError) or isinstance(cause, sa.exc.CompileError | sa.exc.NoSuchTableError):
        return True
    if isinstance(original, driver_errors()):
        return watching.is_of_the_schema(original)
    frames = extract_tb(cause.__traceback__) if isinstance(cause, ValueError | KeyError) else []
    return bool(frames) and Path(frames[-1].filename).is_relative_to(Path(alembic.__file__).parent)


@contextmanager
def command_errors(shown: Callable[[str], str]) -> Iterator[None]:
    """Convert archmig's and the system's errors to CommandError, which Alembic prints on one line.

    `shown` makes the message safe to print.
    """
    try:
        yield
    except driver_errors(ArchmigError, OSError) as error:
        raise CommandError(shown(" ".join(str(error).split()))) from error
