"""Parses CREATE TABLE and CREATE INDEX by SQLite's own grammar into the values of `nodes`.

A descent over the tokens without recursion: nested parentheses are skipped in a loop, so no text is nested too deeply.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NoReturn

from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.databases.sqlite.sql.cursor import Cursor
from architect_migrate.databases.sqlite.sql.lexer import canonical, unquote
from architect_migrate.databases.sqlite.sql.nodes import (
    Check,
    Collate,
    Constraint,
    Default,
    ForeignKey,
    Generated,
    IndexedColumn,
    NotNull,
    ParsedColumn,
    ParsedIndex,
    ParsedTable,
    PrimaryKey,
    Span,
    Unique,
)

__all__ = [
    "Check",
    "Collate",
    "Constraint",
    "Default",
    "ForeignKey",
    "Generated",
    "IndexedColumn",
    "NotNull",
    "ParsedColumn",
    "ParsedIndex",
    "ParsedTable",
    "PrimaryKey",
    "Span",
    "Unique",
    "parse_index",
    "parse_table",
]

_TABLE_CONSTRAINT = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")
# The words that end a type name: SQLite takes none of them for a name, so a type cannot contain them.
_AFTER_TYPE = frozenset(
    (
        "CONSTRAINT",
        "PRIMARY",
        "NOT",
        "NULL",
        "UNIQUE",
        "CHECK",
        "DEFAULT",
        "COLLATE",
        "REFERENCES",
        "AS",
        "DEFERRABLE",
    )
)


@lru_cache(maxsize=4096)
def parse_table(sql: str) -> ParsedTable:
    """Parse a CREATE TABLE statement. Raises `UnreadableSqlError`."""
    cursor = Cursor(sql)
    cursor.expect("CREATE")
    _ = cursor.take("TEMP") or cursor.take("TEMPORARY")
    if cursor.at("VIRTUAL"):
        _refuse(cursor, "a table, not a virtual table")
    cursor.expect("TABLE")
    name = _created_name(cursor)
    if cursor.at("AS"):
        _refuse(cursor, "a list of columns (SQLite stores it expanded)")
    opening = cursor.here
    cursor.expect("(")
    columns = [_column(cursor)]
    while cursor.take(",") and not cursor.at(*_TABLE_CONSTRAINT):
        columns.append(_column(cursor))
    constraints = table_constraints(cursor)
    body = (opening, cursor.here + 1)
    cursor.expect(")")
    options = _options(cursor)
    return ParsedTable(
        name,
        tuple(columns),
        constraints,
        "ROWID" in options,
        "STRICT" in options,
        body=body,
    )


@lru_cache(maxsize=4096)
def parse_index(sql: str) -> ParsedIndex:
    """Parse a CREATE INDEX statement. Raises `UnreadableSqlError`."""
    cursor = Cursor(sql)
    cursor.expect("CREATE")
    unique = cursor.take("UNIQUE")
    cursor.expect("INDEX")
    name = _created_name(cursor)
    cursor.expect("ON")
    table = cursor.name()
    columns = cursor.indexed_columns(canonical)
    where = None
    if cursor.take("WHERE"):
        start = cursor.here
        cursor.skip_to_end()
        where = canonical(sql[start : cursor.last_end])
    cursor.finish()
    return ParsedIndex(name, table, unique, columns, where)


def _refuse(cursor: Cursor, expected: str) -> NoReturn:
    raise UnreadableSqlError(cursor.sql, cursor.here, expected)


def _created_name(cursor: Cursor) -> str:
    if cursor.at("IF"):
        cursor.expect("IF", "NOT", "EXISTS")
    name = cursor.name()
    if cursor.take("."):
        name = cursor.name()
    return name


def _options(cursor: Cursor) -> set[str]:
    options: set[str] = set()
    while not cursor.ended:
        if cursor.take("STRICT"):
            options.add("STRICT")
        else:
            cursor.expect("WITHOUT", "ROWID")
            options.add("ROWID")
        if not cursor.take(","):
            break
    cursor.finish()
    return options


def _column(cursor: Cursor) -> ParsedColumn:
    start = cursor.here
    name = cursor.name()
    type_span = _type(cursor)
    constraints = column_constraints(cursor, name)
    written = cursor.sql[slice(*type_span)]
    return ParsedColumn(name, written, constraints, span=(start, cursor.last_end), type_span=type_span)


def _type(cursor: Cursor) -> tuple[int, int]:
    """Take a type name (words, optional parentheses) and return its span; without one, an empty span after the name."""
    end = cursor.last_end
    start = cursor.here
    while cursor.at_name() and not cursor.at(*_AFTER_TYPE):
        if cursor.at("GENERATED") and cursor.follows("ALWAYS", "AS"):
            break
        cursor.name()
        end = cursor.last_end
    if end > start and cursor.at("("):
        cursor.parenthesised()
        end = cursor.last_end
    return (start, end) if end > start else (end, end)


def column_constraints(cursor: Cursor, column: str) -> tuple[Constraint, ...]:
    """Parse the constraints after a column's type, up to the comma or parenthesis that ends the column."""
    constraints: list[Constraint] = []
    own = (IndexedColumn(column),)
    while not cursor.at(",", ")"):
        start, name = _named(cursor)
        if cursor.at(",", ")"):
            break  # SQLite allows a name that names nothing
        if cursor.at("DEFERRABLE") or (cursor.at("NOT") and cursor.follows("DEFERRABLE")):
            _defer_last(cursor, constraints)
            continue
        constraint = _column_constraint(cursor, own)
        if constraint is not None:
            constraints.append(replace(constraint, name=name, span=(start, cursor.last_end)))
    return tuple(constraints)


def table_constraints(cursor: Cursor) -> tuple[Constraint, ...]:
    """Parse the constraints after the columns, up to the closing parenthesis; commas between them may be missing."""
    constraints: list[Constraint] = []
    while not cursor.at(")"):
        start, name = _named(cursor)
        if not cursor.at(",", ")"):
            constraint = _table_constraint(cursor)
            constraints.append(replace(constraint, name=name, span=(start, cursor.last_end)))
        if cursor.take(",") and cursor.at(")"):
            raise UnreadableSqlError(cursor.sql, cursor.here, "a constraint")
    return tuple(constraints)


def _named(cursor: Cursor) -> tuple[int, str]:
    """The start of a constraint and its name; SQLite uses the last of several names."""
    start, name = cursor.here, ""
    while cursor.take("CONSTRAINT"):
        name = cursor.name()
    return start, name


def _column_constraint(cursor: Cursor, own: tuple[IndexedColumn, ...]) -> Constraint | None:
    """Parse one constraint; None for NULL, which declares nothing."""
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
    """Parse the clauses after REFERENCES; the last of several clauses of one kind counts, as in SQLite."""
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


def _defer_last(cursor: Cursor, constraints: list[Constraint]) -> None:
    """Apply a separate DEFERRABLE to the foreign key before it; without one it is ignored."""
    deferrable = _deferrable(cursor)
    for at in range(len(constraints) - 1, -1, -1):
        constraint = constraints[at]
        if isinstance(constraint, ForeignKey):
            constraints[at] = replace(constraint, deferrable=deferrable)
            return


_KINDS = ("TABLE", "INDEX", "TRIGGER", "VIEW")


def created_if_missing(sql: str) -> tuple[str, str] | None:
    """The kind and the name, as written, of a CREATE IF NOT EXISTS statement; None for any other statement.

    None for a TEMP object too, since it does not clash with an object of the database.
    """
    if "exists" not in sql.lower():
        return None
    cursor = Cursor(sql)
    try:
        cursor.expect("CREATE")
        for word in ("UNIQUE", "VIRTUAL"):
            cursor.take(word)
        kind = next((text for text in _KINDS if cursor.take(text)), "")
        if not kind or not cursor.at("IF"):
            return None
        cursor.expect("IF", "NOT", "EXISTS")
        name = cursor.name()
        return kind.lower(), cursor.name() if cursor.take(".") else name
    except UnreadableSqlError:
        return None
