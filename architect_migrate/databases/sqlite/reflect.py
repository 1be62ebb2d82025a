"""Reads an SQLite database's schema from sqlite_master and the pragma functions; never writes.

Facts that the pragmas report are taken from them. Facts that only the text holds (checks, collations, AUTOINCREMENT,
expressions) are parsed, and only if a keyword in the text shows that there are any.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from contextlib import closing, suppress
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from architect_migrate.core.names import fold
from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.databases.sqlite.sql.affinity import affinity_of, canonical_default
from architect_migrate.databases.sqlite.sql.lexer import canonical, significant, unquote
from architect_migrate.model.schema import (
    Check,
    Column,
    Conflict,
    ConstraintName,
    ForeignKey,
    Generated,
    Index,
    IndexedColumn,
    Schema,
    Table,
    Trigger,
    View,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from architect_migrate.databases.sqlite.sql.nodes import ForeignKey as Reference
    from architect_migrate.databases.sqlite.sql.nodes import ParsedTable

Rows = list[tuple[Any, ...]]
_PragmaRows = tuple[tuple[Any, ...], ...]

_ORDINARY = "m.type = 'table' AND m.rootpage > 0 AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
_COLUMNS = f"""SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
               FROM sqlite_master m, pragma_table_xinfo(m.name) x WHERE {_ORDINARY}"""
_INDEXES = f"""SELECT m.name, l.name, l."unique", l.origin, l.partial, x.name, x."desc", x.coll
               FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_xinfo(l.name) x
               WHERE {_ORDINARY} AND x.key = 1"""
_FOREIGN_KEYS = f"""SELECT m.name, f.id, f."from", f."table", f."to", f.on_update, f.on_delete
                    FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE {_ORDINARY}
                    ORDER BY m.name, f.id, f.seq"""
_SORTS = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'"
_SHADOWS = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"
_MASTER = "SELECT type, name, tbl_name, sql, rootpage FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"

# Strings, quoted names and comments are matched first and skipped, so that only keywords are found.
_TELLING = re.compile(
    r"""--[^\n]*|/\*.*?(?:\*/|\Z)|'[^']*'|"[^"]*"|\[[^\]]*\]|`[^`]*`"""
    r"|(?<![\w$])(AUTOINCREMENT|CHECK|COLLATE|CONFLICT|CONSTRAINT|DEFERRABLE)(?![\w$])",
    re.IGNORECASE | re.DOTALL,
)
_WORDS = ("AUTOINCREMENT", "CHECK", "COLLATE", "CONFLICT", "CONSTRAINT", "DEFERRABLE")
# In pragma_table_xinfo's column `hidden`: a virtual and a stored generated column.
_GENERATED = (2, 3)


def read_schema(connection: sqlite3.Connection, without: Iterable[str] = ()) -> Schema:
    """Read the whole schema of the main database, without the tables in `without` and their objects."""
    hidden = {fold(name) for name in without}
    master = [row for row in connection.execute(_MASTER) if fold(row[2]) not in hidden]
    sorts = {fold(name): tuple(rest) for name, *rest in connection.execute(_SORTS)}
    rows = _Rows(connection)
    tables = [
        _table(name, sql or "", rows.of(name), sorts.get(fold(name), ("table", 0, 0)))
        for kind, name, _, sql, rootpage in master
        if kind == "table" and sorts.get(fold(name), ("table",))[0] != "shadow" and (rootpage or sql)
    ]
    tables = [_with_storage(table, sorts.keys()) if table.module else table for table in tables]
    return Schema(
        _sorted(_resolved(tables)),
        _sorted(_index(row, rows) for row in master if row[0] == "index" and row[3]),
        _sorted(
            Trigger(fold(name), fold(table), canonical(sql), name, sql)
            for kind, name, table, sql, _ in master
            if kind == "trigger"
        ),
        _sorted(View(fold(name), canonical(sql), name, sql) for kind, name, _, sql, _ in master if kind == "view"),
    )


def _with_storage(table: Table, there: AbstractSet[str]) -> Table:
    """A virtual table; one that lacks tables in which SQLite keeps its rows is another one than the chain's."""
    lacking = [name for name in storage_of(table.sql) if fold(name) not in there]
    return replace(table, module=f"{table.module} without {', '.join(lacking)}") if lacking else table


@lru_cache(maxsize=256)
def storage_of(sql: str) -> tuple[str, ...]:
    """Return the tables that SQLite keeps for a virtual one, as seen by making it once more in memory."""
    with closing(sqlite3.connect(":memory:")) as scratch, suppress(sqlite3.Error):
        scratch.execute(sql)
        return tuple(sorted(name for (name,) in scratch.execute(_SHADOWS)))
    return ()


class _Rows:
    """The rows of the three pragma queries by table, and the terms of each index."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.columns = _by_first(connection.execute(_COLUMNS))
        self.indexes = _by_first(connection.execute(_INDEXES))
        self.foreign_keys = _by_first(connection.execute(_FOREIGN_KEYS))
        self.terms: dict[str, Rows] = defaultdict(list)
        for index in self.indexes.values():
            for row in index:
                self.terms[row[1]].append(row)

    def of(self, table: str) -> tuple[_PragmaRows, _PragmaRows, _PragmaRows]:
        """The rows about a table's columns, indexes and foreign keys."""
        return tuple(self.columns[table]), tuple(self.indexes[table]), tuple(self.foreign_keys[table])


def _by_first(rows: Iterable[tuple[Any, ...]]) -> dict[str, Rows]:
    grouped: dict[str, Rows] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row)
    return grouped


def _sorted(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(values, key=lambda one: one.name))


# Why cached: most databases of a chain have the same tables, and the arguments determine the result.
@lru_cache(maxsize=4096)
def _table(name: str, sql: str, pragmas: tuple[_PragmaRows, _PragmaRows, _PragmaRows], sort: Any) -> Table:
    kind, without_rowid, strict = sort
    if kind == "virtual":
        return Table(fold(name), (), module=_module(sql), spelling=name, sql=sql)
    column_rows, indexes, foreign_keys = pragmas
    words = _telling_words(sql)
    telling = words - {"AUTOINCREMENT"} or any(row[6] in _GENERATED for row in column_rows)
    parsed, opaque = _parsed(sql) if telling else (None, "")
    key = tuple(fold(row[1]) for row in sorted((r for r in column_rows if r[5]), key=lambda r: r[5]))
    origins = {row[3] for row in indexes}
    rowid_key = len(key) == 1 and "pk" not in origins and not without_rowid
    return Table(
        name=fold(name),
        columns=_columns(column_rows, parsed, key if rowid_key else ()),
        primary_key=key,
        rowid_key=rowid_key,
        autoincrement="AUTOINCREMENT" in words,
        uniques=frozenset(_uniques(indexes)),
        foreign_keys=frozenset(_foreign_keys(foreign_keys, parsed)),
        checks=frozenset(_checks(parsed, {fold(row[1]) for row in column_rows})),
        without_rowid=bool(without_rowid),
        strict=bool(strict),
        opaque=opaque,
        constraint_names=frozenset(_names(parsed)) if "CONSTRAINT" in words and parsed else frozenset(),
        conflicts=frozenset(_conflicts(parsed, key if rowid_key else ())) if "CONFLICT" in words and parsed else _NONE,
        spelling=name,
        sql=sql,
    )


@lru_cache(maxsize=1024)
def _telling_words(sql: str) -> frozenset[str]:
    upper = sql.upper()
    # Why this check first: a substring search is many times faster than the pattern, and most texts have no such
    # keyword.
    if not any(word in upper for word in _WORDS):
        return frozenset()
    return frozenset(_found_words(sql))


def _found_words(sql: str) -> set[str]:
    return {match[1].upper() for match in _TELLING.finditer(sql) if match[1]}


def _parsed(sql: str) -> tuple[ParsedTable | None, str]:
    from architect_migrate.databases.sqlite.sql.parser import parse_table

    try:
        return parse_table(sql), ""
    except UnreadableSqlError as error:
        return None, str(error)


def _columns(rows: _PragmaRows, parsed: ParsedTable | None, rowid_key: tuple[str, ...]) -> tuple[Column, ...]:
    from_text = _text_facts(parsed) if parsed else {}
    columns = []
    for _, name, declared, not_null, default, _, hidden in rows:
        collation, expression = from_text.get(fold(name), ("binary", None))
        generated = Generated(expression or "", hidden == 3) if hidden in _GENERATED else None
        text_only = (collation, generated)
        columns.append(_column(name, declared, bool(not_null) or fold(name) in rowid_key, default, text_only))
    return tuple(columns)


def _type(declared: str) -> str:
    """A type in upper case with canonical blanks: `varchar( 10 )` is `VARCHAR(10)`."""
    words = " ".join(declared.upper().split())
    for mark in "(),":
        words = mark.join(part.strip() for part in words.split(mark))
    return words.replace(")", ") ").strip()


# Why cached: equal columns recur in many tables, and equal tables in many databases.
@lru_cache(maxsize=8192)
def _column(
    name: str, declared: str, not_null: bool, default: str | None, text_only: tuple[str, Generated | None]
) -> Column:
    affinity = affinity_of(declared)
    return Column(
        fold(name),
        _type(declared),
        affinity,
        not_null,
        canonical_default(default, affinity),
        *text_only,
        name,
    )


def _text_facts(parsed: ParsedTable) -> dict[str, tuple[str, str | None]]:
    """The facts of each column that only the text holds: collation, and the expression of a generated column."""
    from architect_migrate.databases.sqlite.sql.nodes import Collate
    from architect_migrate.databases.sqlite.sql.nodes import Generated as GeneratedAs

    text_facts = {}
    for column in parsed.columns:
        collation, expression = "binary", None
        for constraint in column.constraints:
            match constraint:
                case Collate():
                    collation = fold(constraint.collation)
                case GeneratedAs():
                    expression = canonical(constraint.expression)
                case _:
                    pass
        text_facts[fold(column.name)] = (collation, expression)
    return text_facts


def _uniques(rows: _PragmaRows) -> Iterator[tuple[str, ...]]:
    constraint_rows = [row for row in rows if row[3] == "u"]
    for _, terms in groupby(constraint_rows, key=lambda row: row[1]):
        yield tuple(sorted(fold(row[5]) for row in terms))


def _foreign_keys(rows: _PragmaRows, parsed: ParsedTable | None) -> Iterator[ForeignKey]:
    # SQLite numbers foreign keys from the last one in the text to the first.
    declared = _references(parsed)[::-1] if parsed else []
    for number, group in groupby(rows, key=lambda row: row[1]):
        parts = list(group)
        columns = tuple(fold(row[2]) for row in parts)
        parents = tuple(fold(row[4]) for row in parts if row[4] is not None)
        _, _, _, parent, _, on_update, on_delete = parts[0]
        late = number < len(declared) and _is_deferred(declared[number])
        yield ForeignKey(columns, fold(parent), parents, on_update.lower(), on_delete.lower(), late)


def _references(parsed: ParsedTable) -> list[Reference]:
    """A table's foreign keys in the order of its text."""
    from architect_migrate.databases.sqlite.sql.nodes import ForeignKey as Reference

    return sorted(parsed.all(Reference), key=lambda constraint: constraint.span)


def _is_deferred(reference: Reference) -> bool:
    return "INITIALLY DEFERRED" in reference.deferrable


def _names(parsed: ParsedTable) -> Iterator[ConstraintName]:
    """The names of constraints that Alembic can drop by name; it cannot drop NOT NULL, DEFAULT or COLLATE."""
    from architect_migrate.databases.sqlite.sql import nodes

    for constraint in parsed.every_constraint:
        columns = tuple(fold(column.name) for column in constraint.columns)
        if not constraint.name:
            continue
        match constraint:
            case nodes.PrimaryKey():
                yield ConstraintName(constraint.name, "primary key")
            case nodes.Unique():
                yield ConstraintName(constraint.name, "unique", tuple(sorted(columns)))
            case nodes.Check():
                yield ConstraintName(constraint.name, "check", (canonical(constraint.expression),))
            case nodes.ForeignKey():
                does = (constraint.on_delete.lower(), constraint.on_update.lower())
                late = "deferred" if _is_deferred(constraint) else ""
                yield ConstraintName(
                    constraint.name, "foreign key", (",".join(columns), fold(constraint.table), *does, late)
                )
            case _:
                pass


_NONE: frozenset[Conflict] = frozenset()


def _conflicts(parsed: ParsedTable, rowid_key: tuple[str, ...]) -> Iterator[Conflict]:
    """What constraints do with rows that break them, where that is not to abort; SQLite ignores it for a CHECK.

    A rowid is never NULL, so that of its NOT NULL is left out.
    """
    from architect_migrate.databases.sqlite.sql import nodes

    for constraint in parsed.every_constraint:
        columns = tuple(fold(column.name) for column in constraint.columns)
        match constraint:
            case nodes.PrimaryKey(conflict=action) if action not in _ABORT:
                yield Conflict("primary key", (), f"on conflict {action.lower()}")
            case nodes.Unique(conflict=action) if action not in _ABORT:
                yield Conflict("unique", tuple(sorted(columns)), f"on conflict {action.lower()}")
            case nodes.NotNull(conflict=action) if action not in _ABORT and columns != rowid_key:
                yield Conflict("not null", columns, f"on conflict {action.lower()}")
            case _:
                pass


_ABORT = frozenset({"", "ABORT"})


def _checks(parsed: ParsedTable | None, columns: set[str]) -> Iterator[Check]:
    from architect_migrate.databases.sqlite.sql.nodes import Check as CheckOf

    for constraint in parsed.all(CheckOf) if parsed else ():
        names = (t for t in significant(constraint.expression) if t.kind in {"word", "quoted"})
        words = {fold(unquote(token.text)) for token in names}
        yield Check(canonical(constraint.expression), frozenset(words & columns))


def _resolved(tables: list[Table]) -> Iterator[Table]:
    """Fill in the parent columns of foreign keys that name none: the parent's primary key, if as many columns."""
    from dataclasses import replace

    keys = {(table.name, len(table.primary_key)): table.primary_key for table in tables}
    for table in tables:
        if all(fk.parent_columns for fk in table.foreign_keys):
            yield table
        else:
            named = (
                fk if fk.parent_columns else replace(fk, parent_columns=keys.get((fk.parent, len(fk.columns)), ()))
                for fk in table.foreign_keys
            )
            yield replace(table, foreign_keys=frozenset(named))


def _index(row: tuple[Any, ...], rows: _Rows) -> Index:
    _, name, table, sql, _ = row
    terms = rows.terms[name]
    where, expressions = "", [term[5] for term in terms]
    if None in expressions or (terms and terms[0][4]):
        from architect_migrate.databases.sqlite.sql.parser import parse_index

        parsed = parse_index(sql)
        where = parsed.where or ""
        expressions = [one[5] or term.name for one, term in zip(terms, parsed.columns, strict=True)]
    indexed = tuple(
        IndexedColumn(fold(expression) if one[5] else expression, fold(one[7]), bool(one[6]))
        for expression, one in zip(expressions, terms, strict=True)
    )
    return Index(fold(name), fold(table), indexed, bool(terms and terms[0][2]), where, name, sql)


def _module(sql: str) -> str:
    """The module and arguments of a CREATE VIRTUAL TABLE statement, in canonical form."""
    text = canonical(sql)
    return text[text.index(" using ") + 1 :] if " using " in text else text
