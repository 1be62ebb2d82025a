"""Comparison of two facts with the same key, and the severity of each difference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.model.detail import Difference, Severity, differences
from architect_migrate.model.facts import (
    ColumnFact,
    ConflictFact,
    ForeignKeyFact,
    IndexFact,
    NameFact,
    ObjectFact,
    PrimaryKeyFact,
    TableFact,
    TriggerFact,
    ViewFact,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.model.facts import Fact
    from architect_migrate.model.schema import Column, ForeignKey, Index, Object

# The kinds of objects whose texts contain no expression and no code.
_EXACT = frozenset({"extension", "sequence", "type"})


def compare(expected: Fact, actual: Fact) -> tuple[Difference, ...]:
    """Return the differences between two facts with the same key; empty if they are equal."""
    if expected == actual:
        return ()
    match expected, actual:
        case ColumnFact(), ColumnFact():
            return tuple(_compare_columns(expected.column, actual.column))
        case TableFact(), TableFact():
            return tuple(_compare_sorts(expected, actual))
        case PrimaryKeyFact(), PrimaryKeyFact():
            return tuple(_compare_keys(expected, actual))
        case ForeignKeyFact(), ForeignKeyFact():
            return tuple(_compare_references(expected.foreign_key, actual.foreign_key))
        case NameFact(), NameFact():
            # Why only missing names: a further name breaks no statement, but a revision may use each of the chain's.
            lacking = [name for name in expected.names if name not in actual.names]
            return (_differs("name", ", ".join(expected.names), ", ".join(actual.names)),) if lacking else ()
        case ConflictFact(), ConflictFact():
            return (_differs("action", expected.conflict.action.upper(), actual.conflict.action.upper()),)
        case IndexFact(), IndexFact():
            return tuple(_compare_indexes(expected.index, actual.index))
        case TriggerFact(), TriggerFact():
            return (_unclear(expected.trigger.body, actual.trigger.body),)
        case ViewFact(), ViewFact():
            return (_unclear(expected.view.body, actual.view.body),)
        case ObjectFact(), ObjectFact():
            return tuple(_compare_objects(expected.object, actual.object))
        case _:
            return ()


def _differs(
    respect: str,
    expected: str,
    actual: str,
    severity: Severity = Severity.BEHAVIOURAL,
    *,
    certain: bool = True,
) -> Difference:
    return Difference(respect, expected, actual, severity, certain)


def _unclear(expected: str, actual: str) -> Difference:
    return _differs("definition", expected, actual, certain=False)


def _compare_sorts(expected: TableFact, actual: TableFact) -> Iterator[Difference]:
    if _sort(expected) != _sort(actual):
        yield _differs("table sort", _sort(expected), _sort(actual), Severity.BREAKING)
    yield from differences(expected.detail, actual.detail)


def _compare_objects(expected: Object, actual: Object) -> Iterator[Difference]:
    if (expected.table, expected.body) != (actual.table, actual.body):
        # Only where expressions or queries are in the text can two texts mean the same.
        certain = expected.kind in _EXACT
        yield _differs("definition", expected.body, actual.body, certain=certain)
    yield from differences(expected.detail, actual.detail)


def _compare_columns(expected: Column, actual: Column) -> Iterator[Difference]:
    if expected.not_null != actual.not_null:
        worst = Severity.BREAKING if actual.not_null else Severity.BEHAVIOURAL
        yield _differs("nullability", _nullability(expected), _nullability(actual), worst)
    if expected.default != actual.default:
        omitted_fails = actual.not_null and actual.default is None
        worst = Severity.BREAKING if omitted_fails else Severity.BEHAVIOURAL
        yield _differs("default", _text(expected.default), _text(actual.default), worst)
    if storage_class(expected) != storage_class(actual):
        yield _differs("type", _type(expected), _type(actual))
    elif expected.declared != actual.declared:
        yield _differs("declared type", _type(expected), _type(actual), Severity.COSMETIC)
    if expected.collation != actual.collation:
        yield _differs("collation", expected.collation, actual.collation)
    if expected.generated != actual.generated:
        both = expected.generated is not None and actual.generated is not None
        yield _differs("generation", _generation(expected), _generation(actual), certain=not both)
    yield from differences(expected.detail, actual.detail)


def _compare_keys(expected: PrimaryKeyFact, actual: PrimaryKeyFact) -> Iterator[Difference]:
    if expected.columns != actual.columns:
        yield _differs("key", ", ".join(expected.columns), ", ".join(actual.columns), Severity.BREAKING)
    elif expected.rowid_key != actual.rowid_key:
        yield _differs("key", _rowid(expected), _rowid(actual))
    elif expected.autoincrement != actual.autoincrement:
        worst = Severity.COSMETIC if actual.autoincrement else Severity.BEHAVIOURAL
        yield _differs("autoincrement", _yes(expected.autoincrement), _yes(actual.autoincrement), worst)


def _compare_references(expected: ForeignKey, actual: ForeignKey) -> Iterator[Difference]:
    # A reference without column names means the parent's key, and has none while the parent or its key is missing.
    unnamed = not expected.parent_columns or not actual.parent_columns
    if not unnamed or replace(expected, parent_columns=actual.parent_columns) != actual:
        yield _differs("reference", _target(expected), _target(actual))


def _compare_indexes(expected: Index, actual: Index) -> Iterator[Difference]:
    if replace(expected, detail=actual.detail) != actual:
        worst = Severity.BREAKING if expected.unique != actual.unique else Severity.BEHAVIOURAL
        yield _differs("definition", _index(expected), _index(actual), worst)
    yield from differences(expected.detail, actual.detail)


def storage_class(column: Column) -> str:
    """Return a column's storage class for comparison: affinities that store every value alike count as one."""
    return "NUMERIC" if column.affinity == "INTEGER" else column.affinity


def _nullability(column: Column) -> str:
    return "NOT NULL" if column.not_null else "NULL allowed"


def _text(default: str | None) -> str:
    return "none" if default is None else default


def _type(column: Column) -> str:
    return column.declared or "none"


def _generation(column: Column) -> str:
    if column.generated is None:
        return "none"
    return f"({column.generated.expression}) {'stored' if column.generated.stored else 'virtual'}"


def _rowid(fact: PrimaryKeyFact) -> str:
    return "the rowid" if fact.rowid_key else "a column beside the rowid"


def _yes(value: bool) -> str:
    return "on" if value else "off"


def _sort(fact: TableFact) -> str:
    options = [fact.module, "WITHOUT ROWID" * fact.without_rowid, "STRICT" * fact.strict]
    return " ".join(filter(None, options)) or "an ordinary table"


def _target(key: ForeignKey) -> str:
    deferred = " deferred" if key.deferred else ""
    return f"({', '.join(key.parent_columns)}) on delete {key.on_delete} on update {key.on_update}{deferred}"


def _index(index: Index) -> str:
    terms = ", ".join(t.expression + " desc" * t.descending for t in index.terms)
    where = f" where {index.where}" if index.where else ""
    return f"{'unique ' if index.unique else ''}on {index.table}({terms}){where}"
