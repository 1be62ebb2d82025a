"""What the ledger keeps of an error: its kind, the objects and the counts, and no value of a row."""

from __future__ import annotations

from architect_migrate.core.chain_errors import (
    NotProvenError,
    RehearsalFailedError,
    RevisionFailedError,
    RevisionLosesError,
    StepFailedError,
    StoppedAtError,
)
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.sql_errors import CastLosesError, RowsForbidError, ValuesWouldChangeError
from architect_migrate.core.text import pluralize
from architect_migrate.databases.registry import driver_errors, watching


def without_values(error: BaseException) -> str:
    """Describe an error for the ledger.

    Why not its message: it shows rows as examples, and an exception of a revision may quote whatever that read.
    """
    match error:
        case RevisionLosesError():
            return str(error)
        case RevisionFailedError():
            return f"{error.subject} failed in {error.action}{_because(error)}"
        case StepFailedError():
            return f"could not {error.step}{_because(error)}; everything was rolled back"
        case RehearsalFailedError():
            return f"the rehearsal of {error.command} failed{_because(error)}"
        case NotProvenError():
            problems = pluralize(len(error.problems) + error.more, "problem")
            return f"the result did not pass its proof, everything was rolled back: {problems}"
        case StoppedAtError():
            cause = without_values(error.__cause__) if error.__cause__ else error.cause
            return f"{error.so_far}: {cause}"
        case CastLosesError():
            lost = f"{pluralize(error.count, 'value')} would not survive that"
            return f"its batch operation casts {error.value} to {error.declared}, and {lost}"
        case ValuesWouldChangeError():
            return f"table {error.subject}: {pluralize(error.count, 'value')} of column {error.column} would change"
        case RowsForbidError():
            return f"table {error.subject}: rows do not fit {error.constraint}"
        case ArchmigError() if not hasattr(error, "examples"):
            return str(error)
        case _:
            return _of_another(error)


def _because(error: BaseException) -> str:
    return f": {without_values(error.__cause__)}" if error.__cause__ else ""


def _of_another(error: BaseException) -> str:
    """The type of an exception, and its text where that can name objects only: what a database says of a constraint."""
    original = getattr(error, "orig", None) or error
    if isinstance(original, driver_errors()) and watching.names_objects(original):
        # Why the first line: a server shows values in those after it.
        return f"{type(error).__name__}: {str(original).splitlines()[0]}"
    return type(error).__name__
