"""Applies edits to the text of a CREATE TABLE statement and leaves the rest of the text as it is.

Every edit is checked: the new text is parsed again, and must declare what the edit says and otherwise the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, assert_never

from architect_migrate.core.names import fold, quote
from architect_migrate.core.sql_errors import EditImpossibleError, UnreadableSqlError
from architect_migrate.databases.sqlite.sql.lexer import Token, canonical, significant, tokenize
from architect_migrate.databases.sqlite.sql.parser import (
    Check,
    Collate,
    Constraint,
    Default,
    ForeignKey,
    IndexedColumn,
    NotNull,
    ParsedColumn,
    ParsedTable,
    PrimaryKey,
    Unique,
    parse_table,
)
from architect_migrate.databases.sqlite.sql.splice import (
    Splice,
    appended_column,
    appended_item,
    cut,
    cut_item,
    inserted,
    replaced,
    splice,
)
from architect_migrate.planning.table_edits import (
    AddColumn,
    AddConstraint,
    DropCheck,
    DropDefault,
    DropForeignKey,
    DropNotNull,
    DropUnique,
    Edit,
    NamePrimaryKey,
    SetAutoincrement,
    SetCollation,
    SetConflict,
    SetDefault,
    SetNotNull,
    SetPrimaryKey,
    SetType,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def edit_table(sql: str, edits: Iterable[Edit]) -> str:
    """The CREATE TABLE text after the edits, applied in order.

    Raises `UnreadableSqlError` for a text that cannot be parsed, `EditImpossibleError` for an edit that does not apply.
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
            return _made(sql, add_column(sql, table, definition))
        case AddConstraint(definition):
            return _made(sql, add_constraint(sql, table, definition))
        case SetAutoincrement(column):
            return _made(sql, set_autoincrement(sql, table, column))
        case SetPrimaryKey(columns):
            return _with_primary_key(sql, columns)
        case NamePrimaryKey(name):
            return _made(sql, name_primary_key(sql, table, name))
        case DropCheck() | DropUnique() | DropForeignKey():
            return _without(sql, edit)
        case SetConflict(kind, columns, action):
            return _made(sql, set_conflict(sql, table, (kind, columns), action))
        case _:
            return _made(sql, _column_change(sql, table, edit))


def _made(sql: str, change: Change) -> str:
    """The text after a change, checked to declare what the change says and otherwise the same."""
    edited = splice(sql, change.splices)
    try:
        declared = parse_table(edited)
    except UnreadableSqlError as error:
        raise DoesNotFitError(f"the result would not parse: expected {error.expected}") from error
    if _facts(declared) != _facts(change.after):
        raise DoesNotFitError("the result would declare something else")
    return edited


def _facts(table: ParsedTable) -> tuple[object, ...]:
    """What a table declares, independent of the order of its constraints."""
    columns = tuple((column.name, column.type, Counter(column.constraints)) for column in table.columns)
    return (table.name, columns, Counter(table.constraints), table.without_rowid, table.strict)


_ColumnEdit: TypeAlias = SetNotNull | DropNotNull | SetDefault | DropDefault | SetType | SetCollation


def _column_change(sql: str, table: ParsedTable, edit: _ColumnEdit) -> Change:
    column = existing(table, edit.column)
    match edit:
        case SetNotNull():
            return set_not_null(sql, table, column)
        case DropNotNull():
            return drop_from_column(sql, table, column, NotNull)
        case SetDefault(_, expression):
            return set_default(sql, table, column, expression)
        case DropDefault():
            return drop_from_column(sql, table, column, Default)
        case SetType(_, declared):
            return set_type(sql, table, column, declared)
        case SetCollation(_, collation):
            return set_collation(sql, table, column, collation)
        case _:
            assert_never(edit)


def _with_primary_key(sql: str, columns: tuple[str, ...]) -> str:
    """Replace the primary key in two changes: the new key is added to the text that no longer has the old one."""
    if has_primary_key(parse_table(sql), columns):
        return sql
    without = _made(sql, drop_primary_key(sql, parse_table(sql)))
    return _made(without, add_primary_key(without, parse_table(without), columns))


_Drop: TypeAlias = DropCheck | DropUnique | DropForeignKey


def _without(sql: str, edit: _Drop) -> str:
    """Remove the matching constraints one at a time, because two neighbours share a comma."""
    matching = _matching(parse_table(sql), edit)
    if not matching:
        raise DoesNotFitError("there is no such constraint")
    while matching:
        sql = _made(sql, drop_constraint(sql, parse_table(sql), matching[0]))
        matching = _matching(parse_table(sql), edit)
    return sql


def _matching(table: ParsedTable, edit: _Drop) -> tuple[Constraint, ...]:
    match edit:
        case DropCheck(expression):
            text = canonical(expression)
            return tuple(one for one in table.all(Check) if canonical(one.expression) == text)
        case DropUnique(columns):
            folded = sorted(map(fold, columns))
            return tuple(one for one in table.all(Unique) if sorted(names(one)) == folded)
        case DropForeignKey(columns, parent):
            key = ([fold(column) for column in columns], fold(parent))
            return tuple(one for one in table.all(ForeignKey) if (names(one), fold(one.table)) == key)
        case _:
            assert_never(edit)


_SIGNED = 2


class DoesNotFitError(Exception):
    """An edit that cannot be applied to this table; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Change:
    """The splices of an edit, and the table as it is declared afterwards."""

    splices: tuple[Splice, ...]
    after: ParsedTable


def existing(table: ParsedTable, name: str) -> ParsedColumn:
    """The column of that name. Raises DoesNotFitError if there is none."""
    column = table.column(name)
    if column is None:
        raise DoesNotFitError(f"there is no column {quote(name)}")
    return column


def names(constraint: Constraint) -> list[str]:
    """The folded names of a constraint's columns."""
    return [fold(column.name) for column in constraint.columns]


def add_column(sql: str, table: ParsedTable, definition: str) -> Change:
    """Append the definition's own text, without outer blanks and comments, after the last column."""
    source, parsed = _parsed_alone("CREATE TABLE x(", definition)
    if len(parsed.columns) != 1 or parsed.constraints:
        raise DoesNotFitError("the definition is not that of one column")
    column = parsed.columns[0]
    if table.column(column.name) is not None:
        raise DoesNotFitError(f"there is a column {quote(column.name)} already")
    after = replace(table, columns=(*table.columns, column))
    return Change(appended_column(sql, table, source[slice(*column.span)]), after)


def add_constraint(sql: str, table: ParsedTable, definition: str) -> Change:
    """Append the definition's own text at the end of the table."""
    source, parsed = _parsed_alone("CREATE TABLE x(x,", definition)
    if len(parsed.columns) != 1 or len(parsed.constraints) != 1:
        raise DoesNotFitError("the definition is not that of one constraint of a table")
    constraint = parsed.constraints[0]
    after = replace(table, constraints=(*table.constraints, constraint))
    return Change(appended_item(sql, table, source[slice(*constraint.span)]), after)


def _parsed_alone(start: str, definition: str) -> tuple[str, ParsedTable]:
    """Parse the definition in a table of its own. Raises DoesNotFitError, also if the definition closes that table."""
    source = f"{start}\n{definition}\n)"
    try:
        parsed = parse_table(source)
    except UnreadableSqlError as error:
        raise DoesNotFitError(f"the definition does not parse: expected {error.expected}") from error
    if parsed.body[1] != len(source):
        raise DoesNotFitError("the definition closes the table")
    return source, parsed


def set_not_null(sql: str, table: ParsedTable, column: ParsedColumn) -> Change:
    """Insert NOT NULL right after the type."""
    if table.of(NotNull, column.name):
        return Change((), table)
    return _with_constraint(sql, table, column, NotNull(_own(column)), "NOT NULL")


def set_default(sql: str, table: ParsedTable, column: ParsedColumn, expression: str) -> Change:
    """Replace the expression of the last DEFAULT (SQLite uses the last of several), or insert a new DEFAULT."""
    text = _default_text(expression)
    defaults = table.of(Default, column.name)
    if not defaults:
        return _with_constraint(sql, table, column, Default(_own(column), text), f"DEFAULT {text}")
    last = defaults[-1]
    end = last.span[1]
    kept = tuple(replace(one, expression=text) if one is last else one for one in column.constraints)
    return Change((replaced(sql, (end - len(last.expression), end), text),), _with(table, column, kept))


def _default_text(expression: str) -> str:
    """The expression in the form that DEFAULT accepts: a literal, a signed number, a word, else in parentheses."""
    tokens = significant(expression)
    if not tokens:
        raise DoesNotFitError("the default is empty")
    text = expression[tokens[0].start : tokens[-1].end]
    literal = len(tokens) == 1 and tokens[0].kind not in {"operator", "variable", "illegal"}
    signed = len(tokens) == _SIGNED and tokens[0].text in {"+", "-"} and tokens[1].kind == "number"
    return text if literal or signed or _wrapped(tokens) else f"({text})"


def _wrapped(tokens: list[Token]) -> bool:
    """Whether the first token is a parenthesis that the last token closes."""
    depth = 0
    for token in tokens[:-1]:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            return False
    return tokens[-1].text == ")"


def set_type(sql: str, table: ParsedTable, column: ParsedColumn, declared: str) -> Change:
    """Replace the type, or insert one after the name."""
    tokens = significant(declared)
    text = declared[tokens[0].start : tokens[-1].end] if tokens else ""
    start, end = column.type_span
    if not text:
        splices = (cut(sql, column.type_span),) if end > start else ()
    elif end > start:
        splices = (replaced(sql, column.type_span, text),)
    else:
        splices = (inserted(sql, end, text),)
    changed = tuple(replace(one, type=text) if one is column else one for one in table.columns)
    return Change(splices, replace(table, columns=changed))


def set_collation(sql: str, table: ParsedTable, column: ParsedColumn, collation: str) -> Change:
    """Replace all COLLATE clauses by one, or insert one right after the type."""
    old = table.of(Collate, column.name)
    if not collation:
        return drop_from_column(sql, table, column, Collate) if old else Change((), table)
    text = collation if [token.kind for token in tokenize(collation)] == ["word"] else quote(collation)
    new = Collate(_own(column), collation)
    if not old:
        return _with_constraint(sql, table, column, new, f"COLLATE {text}")
    kept = tuple(one for one in column.constraints if not isinstance(one, Collate))
    splices = (replaced(sql, old[0].span, f"COLLATE {text}"), *(cut(sql, one.span) for one in old[1:]))
    return Change(splices, _with(table, column, (*kept, new)))


def drop_from_column(sql: str, table: ParsedTable, column: ParsedColumn, kind: type[Constraint]) -> Change:
    """Remove every constraint of a kind from a column. Raises DoesNotFitError if the column has none."""
    gone = tuple(one for one in column.constraints if isinstance(one, kind))
    if not gone:
        raise DoesNotFitError(f"the column has no {kind.__name__}")
    kept = tuple(one for one in column.constraints if one not in gone)
    return Change(tuple(cut(sql, one.span) for one in gone), _with(table, column, kept))


def drop_constraint(sql: str, table: ParsedTable, gone: Constraint) -> Change:
    """Remove the constraint at that place in the text, from its column or from the table."""
    columns = tuple(replace(column, constraints=_taken_out(column.constraints, gone)) for column in table.columns)
    kept = _taken_out(table.constraints, gone)
    splices = cut_item(sql, gone.span) if kept != table.constraints else (cut(sql, gone.span),)
    return Change(splices, replace(table, columns=columns, constraints=kept))


def set_autoincrement(sql: str, table: ParsedTable, name: str) -> Change:
    """Insert AUTOINCREMENT at the end of a column's PRIMARY KEY, or inside the parentheses of the table's."""
    column = existing(table, name)
    key = _primary_key(table)
    if key is None or names(key) != [fold(column.name)]:
        raise DoesNotFitError("the primary key is not that column alone")
    if key.autoincrement:
        return Change((), table)
    at = key.span[1]
    if key in table.constraints:
        tokens = _within(sql, key.span)
        closing = max(at for at, token in enumerate(tokens) if token.text == ")")
        at = tokens[closing - 1].end
    return Change((inserted(sql, at, "AUTOINCREMENT"),), _with_key(table, replace(key, autoincrement=True)))


def drop_primary_key(sql: str, table: ParsedTable) -> Change:
    """Remove the primary key; no change where there is none."""
    key = _primary_key(table)
    return Change((), table) if key is None else drop_constraint(sql, table, key)


def add_primary_key(sql: str, table: ParsedTable, columns: tuple[str, ...]) -> Change:
    """Insert PRIMARY KEY right after the type of a single column, or for several columns at the end of the table."""
    declared = [existing(table, name) for name in columns]
    if not declared:
        raise DoesNotFitError("a primary key has at least one column")
    key = PrimaryKey(tuple(IndexedColumn(column.name) for column in declared))
    if len(declared) == 1:
        return _with_constraint(sql, table, declared[0], key, "PRIMARY KEY")
    listed = ", ".join(quote(column.name) for column in declared)
    splices = appended_item(sql, table, f"PRIMARY KEY ({listed})")
    return Change(splices, replace(table, constraints=(*table.constraints, key)))


def name_primary_key(sql: str, table: ParsedTable, name: str) -> Change:
    """Insert CONSTRAINT and the name before PRIMARY KEY, replacing an existing name."""
    key = _primary_key(table)
    if key is None:
        raise DoesNotFitError("the table has no primary key")
    word = next(token for token in _within(sql, key.span) if token.kind == "word" and token.text.upper() == "PRIMARY")
    splice_ = Splice(key.span[0], word.start, f"CONSTRAINT {quote(name)} ")
    return Change((splice_,), _with_key(table, replace(key, name=name)))


def set_conflict(sql: str, table: ParsedTable, of: tuple[str, tuple[str, ...]], action: str) -> Change:
    """Replace, insert or remove the ON CONFLICT of a primary key or of a column's NOT NULL."""
    kind, columns = of
    keys = [_primary_key(table)] if kind == "primary key" else [*table.of(NotNull, columns[0])]
    found = [key for key in keys if key is not None]
    if not found:
        raise DoesNotFitError(f"there is no {kind}")
    constraint = found[-1]
    if constraint.conflict.upper() == action.upper():
        return Change((), table)
    words = f"ON CONFLICT {action.upper()}" if action else ""
    after = _replaced(table, constraint, replace(constraint, conflict=action.upper()))
    tokens = _within(sql, constraint.span)
    at = next((at for at, token in enumerate(tokens) if token.text.upper() == "CONFLICT" and token.kind == "word"), 0)
    if at:
        span = (tokens[at - 1].start, tokens[at + 1].end)
        return Change((replaced(sql, span, words) if words else cut(sql, span),), after)
    last = tokens[-1]
    in_column = constraint not in table.constraints and last.text.upper() == "AUTOINCREMENT"
    return Change((inserted(sql, tokens[-2].end if in_column else last.end, words),), after)


def _replaced(table: ParsedTable, old: Constraint, new: Constraint) -> ParsedTable:
    """The table with one constraint in another's place, whether a column or the table declares it."""

    def put(constraints: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
        return tuple(new if one is old else one for one in constraints)

    columns = tuple(replace(column, constraints=put(column.constraints)) for column in table.columns)
    return replace(table, columns=columns, constraints=put(table.constraints))


def has_primary_key(table: ParsedTable, columns: tuple[str, ...]) -> bool:
    """Whether the primary key consists of these columns in this order."""
    key = _primary_key(table)
    return key is not None and names(key) == [fold(name) for name in columns]


def _primary_key(table: ParsedTable) -> PrimaryKey | None:
    return next(iter(table.all(PrimaryKey)), None)


def _with_key(table: ParsedTable, key: PrimaryKey) -> ParsedTable:
    """The table with its primary key replaced, whether a column or the table declares it."""

    def put(constraints: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
        return tuple(key if isinstance(one, PrimaryKey) else one for one in constraints)

    columns = tuple(replace(column, constraints=put(column.constraints)) for column in table.columns)
    return replace(table, columns=columns, constraints=put(table.constraints))


def _within(sql: str, span: tuple[int, int]) -> list[Token]:
    return [token for token in significant(sql) if span[0] <= token.start < span[1]]


def _own(column: ParsedColumn) -> tuple[IndexedColumn, ...]:
    return (IndexedColumn(column.name),)


def _taken_out(constraints: tuple[Constraint, ...], gone: Constraint) -> tuple[Constraint, ...]:
    return tuple(one for one in constraints if one.span != gone.span)


def _with(table: ParsedTable, column: ParsedColumn, constraints: tuple[Constraint, ...]) -> ParsedTable:
    changed = replace(column, constraints=constraints)
    return replace(table, columns=tuple(changed if one is column else one for one in table.columns))


def _with_constraint(sql: str, table: ParsedTable, column: ParsedColumn, constraint: Constraint, words: str) -> Change:
    """Insert a constraint right after a column's type.

    Why there: further on, the text of another constraint (a default, an ON CONFLICT) could absorb it.
    """
    splices = (inserted(sql, column.type_span[1], words),)
    return Change(splices, _with(table, column, (constraint, *column.constraints)))
