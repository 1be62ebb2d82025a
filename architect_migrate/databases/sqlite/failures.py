"""What an error of SQLite says of the revision that met it."""

from __future__ import annotations

import sqlite3

# How SQLite begins when it refuses to add a column to a table because of the rows in it.
_REQUIRED, _COMPUTED = "Cannot add a NOT NULL column", "Cannot add a column with non-constant default"
_CODE_OF_THE_APPLICATION = ("no such function", "no such module", "no such collation")


def lint_code(error: Exception) -> str:
    """Return the lint rule on statements that fail on rows as this one did; empty for any other error."""
    # Why by text: SQLite reports these two as it reports errors of syntax.
    if isinstance(error, sqlite3.OperationalError) and str(error).startswith(_REQUIRED):
        return "AM301"
    computed = isinstance(error, sqlite3.OperationalError) and str(error).startswith(_COMPUTED)
    return "AM302" if computed or isinstance(error, sqlite3.IntegrityError) else ""


def names_objects(error: Exception) -> bool:
    """Return whether the text of an error can name objects only, and no value of a row: SQLite's on a constraint."""
    code = getattr(error, "sqlite_errorcode", 0)
    # Why not those of triggers: a trigger writes its own text.
    return code & 0xFF == sqlite3.SQLITE_CONSTRAINT and code != sqlite3.SQLITE_CONSTRAINT_TRIGGER


def is_of_the_schema(error: Exception) -> bool:
    """Return whether a statement failed by what objects there are, whatever rows there are."""
    if not isinstance(error, sqlite3.OperationalError) or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
        return False
    # A function or a module may be the application's, which makes it where it runs.
    return not str(error).startswith(_CODE_OF_THE_APPLICATION)
