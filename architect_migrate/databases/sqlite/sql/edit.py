"""Edits of a CREATE TABLE text as values, and `edit_table`, which makes them without touching anything else.

Every edit is checked: the new text is parsed again and must declare what the edit means, and otherwise the same.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias, assert_never

from architect_migrate.core.names import fold
from architect_migrate.core.sql_errors import EditImpossibleError, UnreadableSqlError
from architect_migrate.databases.sqlite.sql import edit_parts as parts
from architect_migrate.databases.sqlite.sql.edit_parts import DoesNotFitError
from architect_migrate.databases.sqlite.sql.lexer import canonical
from architect_migrate.databases.sqlite.sql.parser import (
    Check,
    Constraint,
    Default,
    ForeignKey,
    NotNull,
    ParsedTable,
    Unique,
    parse_table,
)
from architect_migrate.databases.sqlite.sql.splice import splice
from architect_migrate.planning.table_edits import (
    AddColumn,
    AddConstraint,
    DropAutoincrement,
    DropCheck,
    DropColumn,
    DropDefault,
    DropForeignKey,
    DropNotNull,
    DropUnique,
    Edit,
    RenameTable,
    SetAutoincrement,
    SetCollation,
    SetDefault,
    SetNotNull,
    SetPrimaryKey,
    SetType,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def edit_table(sql: str, edits: Iterable[Edit]) -> str:
    """The CREATE TABLE text with the edits made in order.

    Raises `UnreadableSqlError` for a text that cannot be parsed, `EditImpossibleError` for an edit that does not fit.
    """
    for edit in edits:
        try:
            sql = _edited(sql, edit)
        except DoesNotFitError as misfit:
            raise EditImpossibleError(parse_table(sql).name, repr(edit), str(misfit)) from misfit
    return sql


def _edited(sql: str, edit: Edit) -> str:
    table = parse_table(sql)
    match edit:
        case AddColumn(definition):
            return _made(sql, parts.add_column(sql, table, definition))
        case DropColumn(name):
            return _made(sql, parts.drop_column(sql, table, name))
        case RenameTable(new):
            return _made(sql, parts.rename(table, new))
        case AddConstraint(definition):
            return _made(sql, parts.add_constraint(sql, table, definition))
        case SetAutoincrement(column):
            return _made(sql, parts.set_autoincrement(sql, table, column))
        case DropAutoincrement():
            return _made(sql, parts.drop_autoincrement(sql, table))
        case SetPrimaryKey(columns):
            return _with_primary_key(sql, columns)
        case DropCheck() | DropUnique() | DropForeignKey():
            return _without(sql, edit)
        case _:
            return _made(sql, _column_change(sql, table, edit))


def _made(sql: str, change: parts.Change) -> str:
    """The text after a change, proven to declare what the change means and otherwise the same."""
    edited = splice(sql, change.splices)
    try:
        declared = parse_table(edited)
    except UnreadableSqlError as error:
        raise DoesNotFitError(f"the result would not parse: expected {error.expected}") from error
    if _facts(declared) != _facts(change.after):
        raise DoesNotFitError("the result would declare something else")
    return edited


def _facts(table: ParsedTable) -> tuple[object, ...]:
    """What a table declares, whatever the order of its constraints."""
    columns = tuple((column.name, column.type, Counter(column.constraints)) for column in table.columns)
    return (table.name, columns, Counter(table.constraints), table.without_rowid, table.strict)


_ColumnEdit: TypeAlias = SetNotNull | DropNotNull | SetDefault | DropDefault | SetType | SetCollation


def _column_change(sql: str, table: ParsedTable, edit: _ColumnEdit) -> parts.Change:
    column = parts.existing(table, edit.column)
    match edit:
        case SetNotNull():
            return parts.set_not_null(sql, table, column)
        case DropNotNull():
            return parts.drop_from_column(sql, table, column, NotNull)
        case SetDefault(_, expression):
            return parts.set_default(sql, table, column, expression)
        case DropDefault():
            return parts.drop_from_column(sql, table, column, Default)
        case SetType(_, declared):
            return parts.set_type(sql, table, column, declared)
        case SetCollation(_, collation):
            return parts.set_collation(sql, table, column, collation)
        case _:
            assert_never(edit)


def _with_primary_key(sql: str, columns: tuple[str, ...]) -> str:
    """The old key out and the new one in, as two changes: the second is made on the text of the first."""
    if parts.has_primary_key(parse_table(sql), columns):
        return sql
    without = _made(sql, parts.drop_primary_key(sql, parse_table(sql)))
    return _made(without, parts.add_primary_key(without, parse_table(without), columns))


_Drop: TypeAlias = DropCheck | DropUnique | DropForeignKey


def _without(sql: str, edit: _Drop) -> str:
    """Constraints go one by one, as two neighbours share a comma."""
    found = _matching(parse_table(sql), edit)
    if not found:
        raise DoesNotFitError("there is no such constraint")
    while found:
        sql = _made(sql, parts.drop_constraint(sql, parse_table(sql), found[0]))
        found = _matching(parse_table(sql), edit)
    return sql


def _matching(table: ParsedTable, edit: _Drop) -> tuple[Constraint, ...]:
    match edit:
        case DropCheck(expression):
            text = canonical(expression)
            return tuple(one for one in table.all(Check) if canonical(one.expression) == text)
        case DropUnique(columns):
            folded = sorted(map(fold, columns))
            return tuple(one for one in table.all(Unique) if sorted(parts.names(one)) == folded)
        case DropForeignKey(columns, parent):
            key = ([fold(column) for column in columns], fold(parent))
            return tuple(one for one in table.all(ForeignKey) if (parts.names(one), fold(one.table)) == key)
        case _:
            assert_never(edit)
