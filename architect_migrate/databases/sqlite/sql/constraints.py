"""The constraints of a column and of a table, by SQLite's grammar (`ccons` and `tcons` in its parse.y)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.databases.sqlite.sql.lexer import unquote
from architect_migrate.databases.sqlite.sql.nodes import (
    Check,
    Collate,
    Constraint,
    Default,
    ForeignKey,
    Generated,
    IndexedColumn,
    NotNull,
    PrimaryKey,
    Unique,
)

if TYPE_CHECKING:
    from architect_migrate.databases.sqlite.sql.cursor import Cursor


def column_constraints(cursor: Cursor, column: str) -> tuple[Constraint, ...]:
    """What follows a column's type, up to the comma or parenthesis that ends the column."""
    found: list[Constraint] = []
    own = (IndexedColumn(column),)
    while not cursor.at(",", ")"):
        start, name = _named(cursor)
        if cursor.at(",", ")"):
            break  # SQLite allows a name that names nothing
        if cursor.at("DEFERRABLE") or (cursor.at("NOT") and cursor.follows("DEFERRABLE")):
            _defer_last(cursor, found)
            continue
        constraint = _column_constraint(cursor, own)
        if constraint is not None:
            found.append(replace(constraint, name=name, span=(start, cursor.last_end)))
    return tuple(found)


def table_constraints(cursor: Cursor) -> tuple[Constraint, ...]:
    """Constraints after the columns, up to the closing parenthesis; commas between them may be missing."""
    found: list[Constraint] = []
    while not cursor.at(")"):
        start, name = _named(cursor)
        if not cursor.at(",", ")"):
            constraint = _table_constraint(cursor)
            found.append(replace(constraint, name=name, span=(start, cursor.last_end)))
        if cursor.take(",") and cursor.at(")"):
            raise UnreadableSqlError(cursor.sql, cursor.here, "a constraint")
    return tuple(found)


def _named(cursor: Cursor) -> tuple[int, str]:
    """The start of a constraint and its name; of several names in a row the last one counts."""
    start, name = cursor.here, ""
    while cursor.take("CONSTRAINT"):
        name = cursor.name()
    return start, name


def _column_constraint(cursor: Cursor, own: tuple[IndexedColumn, ...]) -> Constraint | None:
    """One constraint; None for NULL, which declares nothing."""
    match cursor.choose(
        "NOT", "NULL", "DEFAULT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "COLLATE", "GENERATED", "AS"
    ):
        case "NULL":
            _conflict(cursor)
            return None
        case "NOT":
            cursor.expect("NULL")
            return NotNull(own, _conflict(cursor))
        case "DEFAULT":
            return Default(own, _default(cursor))
        case "PRIMARY":
            cursor.expect("KEY")
            return _column_key(cursor, own)
        case "UNIQUE":
            return Unique(own, _conflict(cursor))
        case "CHECK":
            return Check(own, cursor.parenthesised())
        case "REFERENCES":
            return _reference(cursor, own)
        case "COLLATE":
            return Collate(own, cursor.name())
        case "GENERATED":
            cursor.expect("ALWAYS", "AS")
            return _generated(cursor, own)
        case _:
            return _generated(cursor, own)


def _table_constraint(cursor: Cursor) -> Constraint:
    match cursor.choose("PRIMARY", "UNIQUE", "CHECK", "FOREIGN"):
        case "PRIMARY":
            cursor.expect("KEY")
            columns, autoincrement = cursor.key_columns(unquote)
            return PrimaryKey(columns, autoincrement, _conflict(cursor))
        case "UNIQUE":
            return Unique(cursor.indexed_columns(unquote), _conflict(cursor))
        case "CHECK":
            return Check((), cursor.parenthesised(), _conflict(cursor))
        case _:
            cursor.expect("KEY")
            columns = cursor.indexed_columns(unquote)
            cursor.expect("REFERENCES")
            return _reference(cursor, columns)


def _conflict(cursor: Cursor) -> str:
    if not cursor.take("ON"):
        return ""
    cursor.expect("CONFLICT")
    return cursor.choose("ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE")


def _default(cursor: Cursor) -> str:
    """The default's text: a parenthesised expression, a literal with or without a sign, or a bare word."""
    start = cursor.here
    if cursor.at("("):
        cursor.parenthesised()
    else:
        _ = cursor.take("+") or cursor.take("-")
        cursor.skip()
    return cursor.sql[start : cursor.last_end]


def _column_key(cursor: Cursor, own: tuple[IndexedColumn, ...]) -> PrimaryKey:
    descending = cursor.take("DESC") or (cursor.take("ASC") and False)
    conflict = _conflict(cursor)
    return PrimaryKey((replace(own[0], descending=descending),), cursor.take("AUTOINCREMENT"), conflict)


def _generated(cursor: Cursor, own: tuple[IndexedColumn, ...]) -> Generated:
    expression = cursor.parenthesised()
    stored = cursor.take("STORED")
    if not stored:
        cursor.take("VIRTUAL")
    return Generated(own, expression, stored)


def _reference(cursor: Cursor, columns: tuple[IndexedColumn, ...]) -> ForeignKey:
    """What follows REFERENCES; the last of several clauses for the same thing counts, as in SQLite."""
    key = ForeignKey(columns, cursor.name(), cursor.names())
    while True:
        if cursor.take("MATCH"):
            key = replace(key, match=cursor.name().upper())
        elif cursor.at("ON") and not cursor.follows("CONFLICT"):
            key = _action(cursor, key)
        elif cursor.at("DEFERRABLE") or (cursor.at("NOT") and cursor.follows("DEFERRABLE")):
            key = replace(key, deferrable=_deferrable(cursor))
        else:
            return key


def _action(cursor: Cursor, key: ForeignKey) -> ForeignKey:
    cursor.expect("ON")
    event = cursor.choose("DELETE", "UPDATE", "INSERT")
    action = cursor.choose("SET", "NO", "CASCADE", "RESTRICT")
    if action == "SET":
        action = "SET " + cursor.choose("NULL", "DEFAULT")
    elif action == "NO":
        action = "NO " + cursor.choose("ACTION")
    match event:
        case "DELETE":
            return replace(key, on_delete=action)
        case "UPDATE":
            return replace(key, on_update=action)
        case _:
            return key  # SQLite reads ON INSERT and ignores it


def _deferrable(cursor: Cursor) -> str:
    words = ["NOT"] if cursor.take("NOT") else []
    cursor.expect("DEFERRABLE")
    words.append("DEFERRABLE")
    if cursor.take("INITIALLY"):
        words += ["INITIALLY", cursor.choose("DEFERRED", "IMMEDIATE")]
    return " ".join(words)


def _defer_last(cursor: Cursor, found: list[Constraint]) -> None:
    """A DEFERRABLE that stands apart belongs to the foreign key before it, or to nothing."""
    deferrable = _deferrable(cursor)
    for at in range(len(found) - 1, -1, -1):
        constraint = found[at]
        if isinstance(constraint, ForeignKey):
            found[at] = replace(constraint, deferrable=deferrable)
            return
