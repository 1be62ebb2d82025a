"""Differences between the schema that the chain makes and a database's schema, with their severity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, assert_never

from architect_migrate.model.compare import compare
from architect_migrate.model.detail import Difference, Severity
from architect_migrate.model.facts import (
    CheckFact,
    ColumnFact,
    ConflictFact,
    ForeignKeyFact,
    IndexFact,
    NameFact,
    ObjectFact,
    PrimaryKeyFact,
    TableFact,
    UniqueFact,
    ViewFact,
    describe,
    facts,
    key,
    named_constraint,
    numbered_keys,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from architect_migrate.model.facts import Fact
    from architect_migrate.model.schema import Column, Key, Schema, Table


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact of the chain that the database lacks."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Differs:
    """A fact that both have, in different shapes."""

    fact: Fact
    actual: Fact
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Extra:
    """A fact of the database that the chain does not have; `harmful` says how it can make a statement fail."""

    fact: Fact
    harmful: str = ""


@dataclass(frozen=True, slots=True)
class OtherwiseNamed:
    """An index or unique constraint of the chain that the database has under another name or by other means."""

    fact: Fact
    actual: Fact


@dataclass(frozen=True, slots=True)
class Reordered:
    """A table whose columns are in another order."""

    table: str


# The other objects that a statement can name, and fails without.
_USED_BY_NAME = frozenset(
    {"aggregate", "domain", "extension", "function", "materialized view", "procedure", "sequence", "type"}
)
# The other objects that change what statements do with the rows of a table.
_ACTING_ON_ROWS = {
    "exclusion constraint": "it refuses rows that the chain's schema accepts",
    "policy": "it decides which rows a role sees and writes",
    "rule": "it changes what statements on the table do",
}

Change = Missing | Differs | Extra | OtherwiseNamed | Reordered


def severity(change: Change) -> Severity:
    """Return a change's severity, by the rule that every statement valid on the chain's schema must be valid here."""
    match change:
        case Missing(fact=TableFact() | ColumnFact() | UniqueFact() | PrimaryKeyFact() | ViewFact()):
            return Severity.BREAKING
        case Missing(fact=IndexFact() as fact):
            return Severity.BREAKING if fact.index.unique else Severity.BEHAVIOURAL
        case Missing(fact=ObjectFact() as fact) if fact.object.kind in _USED_BY_NAME:
            return Severity.BREAKING
        case Missing():
            return Severity.BEHAVIOURAL
        case Differs():
            return min((d.severity for d in change.differences), key=lambda severity: severity.rank)
        case Extra(fact=ConflictFact()):
            return Severity.BEHAVIOURAL if change.harmful else Severity.EXTRA
        case Extra():
            return Severity.BREAKING if change.harmful else Severity.EXTRA
        case OtherwiseNamed() | Reordered():
            return Severity.COSMETIC
        case _:
            assert_never(change)


def change_key(change: Change) -> Key:
    """Return the key of a change's object."""
    match change:
        case Reordered():
            return ("order", change.table)
        case _:
            return key(change.fact)


def explain(change: Change) -> str:
    """Describe a change on one line: the object, its actual shape and the chain's."""
    match change:
        case Missing():
            return f"{describe(change.fact)} is missing"
        case Differs():
            parts = [
                f"{d.respect} is {d.actual}, the chain says {d.expected}"
                + ("" if d.certain else " (the texts differ; cannot tell whether they mean the same)")
                for d in change.differences
            ]
            return f"{describe(change.fact)}: {'; '.join(parts)}"
        case Extra():
            why = f": {change.harmful}" if change.harmful else ""
            return f"{describe(change.fact)} is not in the chain{why}"
        case OtherwiseNamed():
            return f"{describe(change.fact)} is there as {describe(change.actual)}"
        case Reordered():
            return f"columns of {change.table} are in another order"
        case _:
            assert_never(change)


def needs_repair(change: Change) -> bool:
    """Return whether a change is breaking or behavioural."""
    return severity(change).needs_repair


def matters(change: Change) -> bool:
    """Return whether a change distinguishes positions: as `needs_repair`, except for what belongs to a constraint.

    That are its name, and what it does with a row that breaks it.
    """
    return needs_repair(change) and (isinstance(change, Reordered) or not is_part(change.fact))


def is_part(fact: Fact) -> bool:
    """Whether a fact belongs to a constraint: its name, or what it does with a row that breaks it."""
    return isinstance(fact, NameFact | ConflictFact)


def diff(reference: Schema, actual: Schema) -> tuple[Change, ...]:
    """Return every difference of `actual` from `reference`, in the reference's order, extras last."""
    return diff_of_facts((reference, facts(reference)), (actual, facts(actual)))


def diff_of_facts(
    reference: tuple[Schema, Mapping[Key, Fact]], actual: tuple[Schema, Mapping[Key, Fact]]
) -> tuple[Change, ...]:
    """Return the same as `diff` for schemas whose facts are known already."""
    expected, present = reference[1], _aligned(reference[1], actual[1])
    satisfied = _satisfied_otherwise(expected, present)
    changes: list[Change] = []
    for its_key, fact in expected.items():
        there = present.get(its_key)
        if isinstance(fact, NameFact) and _comes_along(fact, expected, present, satisfied):
            continue
        if isinstance(fact, ConflictFact) and _comes_with(fact, expected, present, satisfied):
            continue
        if its_key in satisfied:
            changes.append(OtherwiseNamed(fact, satisfied[its_key]))
        elif there is None:
            changes.append(Missing(fact))
        elif differences := compare(fact, there):
            changes.append(Differs(fact, there, differences))
    used = {key(fact) for fact in satisfied.values()}
    changes += _reordered(reference[0], actual[0])
    changes += [
        Extra(fact, _harm(fact, expected, present))
        for its_key, fact in present.items()
        if its_key not in expected and its_key not in used and not isinstance(fact, NameFact)
    ]
    return tuple(changes)


def _aligned(expected: Mapping[Key, Fact], present: Mapping[Key, Fact]) -> Mapping[Key, Fact]:
    """Renumber a database's foreign keys of the same columns and parent, so that equal ones have equal keys."""
    several = {k[:4] for facts_ in (expected, present) for k in facts_ if k[0] == "foreign key" and len(k) > 4}
    if not several:
        return present
    aligned = {k: fact for k, fact in present.items() if k[:4] not in several}
    for base in several:
        wanted = {k: expected[k] for k in takewhile(expected.__contains__, numbered_keys(base))}
        free = [present[k] for k in takewhile(present.__contains__, numbered_keys(base))]
        for k, fact in wanted.items():
            if fact in free:
                free.remove(fact)
                aligned[k] = fact
        left = (k for k in numbered_keys(base) if k not in aligned)
        aligned.update(zip(left, free, strict=False))
    return aligned


def _comes_along(
    fact: NameFact, expected: Mapping[Key, Fact], present: Mapping[Key, Fact], satisfied: Collection[Key]
) -> bool:
    """Return whether a name is no separate difference because its constraint or its table is missing or differs."""
    if ("table", fact.table) not in present:
        return True
    constraint = named_constraint(fact, expected)
    return constraint is not None and constraint not in satisfied and expected[constraint] != present.get(constraint)


def _comes_with(
    fact: ConflictFact, expected: Mapping[Key, Fact], present: Mapping[Key, Fact], satisfied: Collection[Key]
) -> bool:
    """Return whether a conflict clause is no separate difference because its constraint is missing or another."""
    its_key = fact.constraint
    there, wanted = present.get(its_key), expected.get(its_key)
    if isinstance(there, ColumnFact) and isinstance(wanted, ColumnFact):
        return there.column.not_null != wanted.column.not_null
    return its_key not in satisfied and there != wanted


def _satisfied_otherwise(expected: Mapping[Key, Fact], present: Mapping[Key, Fact]) -> dict[Key, Fact]:
    """Return the database's fact for each index or unique of the chain that it has in another form, by key."""
    free = {k: f for k, f in present.items() if k not in expected}
    satisfied: dict[Key, Fact] = {}
    for its_key, fact in expected.items():
        if its_key in present or not isinstance(fact, IndexFact | UniqueFact):
            continue
        other = next((k for k, f in free.items() if is_equivalent(fact, f, present)), None)
        if other is not None:
            satisfied[its_key] = free.pop(other)
    return satisfied


def is_equivalent(fact: Fact, other: Fact, present: Mapping[Key, Fact]) -> bool:
    """Return whether an index or unique of a database (`other`) has the effect of one of the chain (`fact`)."""
    if isinstance(fact, IndexFact) and isinstance(other, IndexFact):
        a, b = fact.index, other.index
        return replace(a, name="") == replace(b, name="")
    columns = _unique_columns(fact, present)
    return columns is not None and columns == _unique_columns(other, present)


def _unique_columns(fact: Fact, present: Mapping[Key, Fact]) -> tuple[str, Key] | None:
    """Return the table and columns that a fact keeps unique, each by its own collation; None for any other fact."""
    match fact:
        case UniqueFact():
            return fact.table, fact.columns
        case IndexFact() if fact.index.unique and not fact.index.where:
            table, terms = fact.index.table, fact.index.terms
            columns = [present.get(("column", table, term.expression)) for term in terms]
            collations = [column.column.collation for column in columns if isinstance(column, ColumnFact)]
            if collations == [term.collation for term in terms]:
                return table, tuple(sorted(term.expression for term in terms))
    return None


def _reordered(reference: Schema, actual: Schema) -> Iterator[Reordered]:
    actual_names = {table.name: _names(table) for table in actual.tables}
    for table in reference.tables:
        names = _names(table)
        common = [name for name in actual_names.get(table.name, ()) if name in names]
        if common != [name for name in names if name in common]:
            yield Reordered(table.name)


def judged_by(change: Extra, expected: Mapping[Key, Fact], present: Mapping[Key, Fact]) -> Extra:
    """Return an extra as it is beside the `expected` facts, those of another position."""
    return replace(change, harmful=_harm(change.fact, expected, present))


def _harm(fact: Fact, expected: Mapping[Key, Fact], present: Mapping[Key, Fact]) -> str:
    """Say how an extra can make a statement fail that is valid on the chain's schema; empty if it cannot."""
    if isinstance(fact, TableFact) and fact.detail is not None:
        return fact.detail.harm([its_key[1] for its_key in expected if its_key[0] == "table"])
    if ("table", table_of(fact)) not in expected:
        return ""

    def known(column: str) -> bool:
        return ("column", table_of(fact), column) in expected

    match fact:
        case UniqueFact() | IndexFact() if _is_implied(fact, expected, present):
            return ""
        case ColumnFact() if _demands_a_value(fact.column):
            return "it is NOT NULL without a default, so the chain's own INSERTs fail"
        case UniqueFact() if all(known(c) or _never_null(fact.table, c, present) for c in fact.columns):
            return "it refuses rows that the chain's schema accepts"
        case IndexFact() if fact.index.unique and all(
            known(t.expression) or _never_null(fact.index.table, t.expression, present) for t in fact.index.terms
        ):
            return "it refuses rows that the chain's schema accepts"
        case CheckFact() if not fact.check.mentions or any(known(c) for c in fact.check.mentions):
            return "it refuses rows that the chain's schema accepts"
        case ForeignKeyFact() if not {("table", fact.foreign_key.parent)} & (expected.keys() | present.keys()):
            return f"there is no table {fact.foreign_key.parent}, so rows are refused wherever foreign keys are on"
        case PrimaryKeyFact():
            return "the chain's table has no primary key"
        case ConflictFact() if _aborts(expected.get(fact.constraint)):
            return "the chain's constraint refuses such rows"
        case ObjectFact() if fact.object.kind in _ACTING_ON_ROWS:
            return _ACTING_ON_ROWS[fact.object.kind]
    return ""


def _is_implied(fact: UniqueFact | IndexFact, expected: Mapping[Key, Fact], present: Mapping[Key, Fact]) -> bool:
    """Return whether rows that a unique index or constraint refuses break a key of the chain, of some of its columns.

    A clause on either side says that rows are refused otherwise, or at another time.
    """
    clauses = {one.constraint for one in (*expected.values(), *present.values()) if isinstance(one, ConflictFact)}
    if isinstance(fact, IndexFact):
        terms: set[tuple[str, str | None]] = {(term.expression, term.collation) for term in fact.index.terms}
        is_plain = fact.index.detail is None or fact.index.detail == type(fact.index.detail)()
    else:
        terms = {(name, _collation(fact.table, name, present)) for name in fact.columns}
        is_plain = key(fact) not in clauses
    table = table_of(fact)
    columns = {name for name, collation in terms if collation == _collation(table, name, expected)}
    keys = (_key_columns(one, expected) for k, one in expected.items() if table_of(one) == table and k not in clauses)
    return is_plain and any(each and columns.issuperset(each) for each in keys)


def _key_columns(fact: Fact, present: Mapping[Key, Fact]) -> Key:
    """The columns of which a fact makes a key; none for any other fact."""
    if isinstance(fact, PrimaryKeyFact):
        return fact.columns
    unique = _unique_columns(fact, present)
    return unique[1] if unique else ()


def _collation(table: str, column: str, present: Mapping[Key, Fact]) -> str | None:
    fact = present.get(("column", table, column))
    return fact.column.collation if isinstance(fact, ColumnFact) else None


def _aborts(constraint: Fact | None) -> bool:
    """Return whether the chain has a constraint: for a column, that it is NOT NULL."""
    return constraint is not None and (not isinstance(constraint, ColumnFact) or constraint.column.not_null)


def _demands_a_value(column: Column) -> bool:
    return column.not_null and column.default is None and column.generated is None


def _never_null(table: str, column: str, present: Mapping[Key, Fact]) -> bool:
    """Return whether rows that leave out an extra column can collide in it; NULLs never do."""
    fact = present.get(("column", table, column))
    return not isinstance(fact, ColumnFact) or fact.column.default is not None


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns]
