"""Findings that block a repair: each names the rows or the policy in the way, and the entry that settles it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.text import pluralize
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.resolutions import entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.diagnosis.suggestions import Suggestion
    from architect_migrate.model.schema import Column, Table
    from architect_migrate.planning.row_questions import Answer

# Words in the types of columns, of any kind of database, that say what an empty value is.
_TEXTS, _NUMBERS = ("blob", "char", "text"), ("double", "int", "numeric", "real")
_SET = "set a value for these rows: add this to environments.toml"
_KEEP = "or keep the database's shape: add this to environments.toml"


def required(shape: Table, column: Column, rows: int, likely: Suggestion | None) -> Finding:
    """Block the addition of a required column: rows have no value for it.

    `shape` is the table as the chain has it, `rows` the number of rows, `likely` a suggested value.
    """
    table = shape.name
    why = likely.why if likely else "no column seems to hold it"
    return Finding(
        Level.BLOCKING,
        "blocked-required-column",
        f"{table}.{column.name}",
        f"the chain requires a value, {pluralize(rows, 'row has', 'rows have')} none, and {why}",
        _SET if column.name not in shape.primary_key else f"add it by hand, {_KEEP}",
        entry=entry(table, column.name, likely.line if likely else _value_line(shape, column)),
    )


def brought(shape: Table, column: Column, rows: int, likely: Suggestion) -> Finding:
    """Block the addition of a column that the chain fills from one that is not there either: it would be empty."""
    found = f"{pluralize(rows, 'row has', 'rows have')} no value for it, and {likely.why}"
    subject = f"{shape.name}.{column.name}"
    settles = entry(shape.name, column.name, likely.line)
    return Finding(Level.BLOCKING, "blocked-brought-column", subject, found, _SET, entry=settles)


def _value_line(shape: Table, column: Column) -> str:
    """The line of a [[resolve]] entry that gives rows a value where none can be suggested.

    An empty value; NULL where a key or a check may reject an empty value. A primary key is kept as it is.
    """
    if column.name in shape.primary_key:
        return "keep = true"
    keys = [*shape.uniques, *(key.columns for key in shape.foreign_keys)]
    if any(column.name in key for key in keys) or any(column.name in check.mentions for check in shape.checks):
        return "allow_null = true"
    affinity = column.affinity.lower()
    if any(word in affinity for word in _TEXTS):
        return 'default = ""'
    return "default = 0" if any(word in affinity for word in _NUMBERS) else "allow_null = true"


def agreed(blockers: Iterable[Finding]) -> tuple[Finding, ...]:
    """The same blockers; where two propose different entries for one object, both get the entry `keep = true`."""
    found = tuple(blockers)
    ways: dict[str, set[str]] = {}
    for finding in found:
        ways.setdefault(_named(finding), set()).add(finding.entry)
    return tuple(
        replace(each, entry=f"{_named(each)}\nkeep = true") if len(ways[_named(each)]) > 1 else each for each in found
    )


def _named(finding: Finding) -> str:
    """A finding's entry without its last line: the object, without what to do about it."""
    return finding.entry.rpartition("\n")[0]


def unfilled(table: str, column: str, nulls: Answer, origin: object) -> Finding:
    """Block a fill that leaves rows of a NOT NULL column without a value; `origin` is the place of the entry."""
    return Finding(
        Level.BLOCKING,
        "blocked-null",
        f"{table}.{column}",
        f"{pluralize(nulls.count, 'row has', 'rows have')} no value to fill it with{examples(nulls)}",
        f'add default = "..." or allow_null = true to {origin}',
    )


def null_rows(shape: Table, column: Column, nulls: Answer, likely: Suggestion | None) -> Finding:
    """Block NOT NULL: rows hold NULL where the chain requires a value; `likely` is a suggested value."""
    why = f", and {likely.why}" if likely else ""
    line = "keep = true" if column.name in shape.primary_key else "allow_null = true"
    return Finding(
        Level.BLOCKING,
        "blocked-null",
        f"{shape.name}.{column.name}",
        f"the chain says NOT NULL, {pluralize(nulls.count, 'row holds', 'rows hold')} NULL{examples(nulls)}{why}",
        "set a value for these rows, or allow NULL: add this to environments.toml",
        entry=entry(shape.name, column.name, likely.line if likely else line),
    )


def duplicates(table: str, columns: tuple[str, ...], doubled: Answer) -> Finding:
    """Block a unique constraint: rows share values that the chain requires to be unique."""
    return Finding(
        Level.BLOCKING,
        "blocked-duplicates",
        f"{table}({', '.join(columns)})",
        f"must be unique, but {pluralize(doubled.count, 'value occurs', 'values occur')} more than once"
        f"{examples(doubled)}",
        f"make the values unique, {_KEEP}",
        entry=entry(table, columns[0], "keep = true"),
    )


def broken_check(table: str, column: str, expression: str, broken: Answer) -> Finding:
    """Block a check of the chain that rows break; `column` is one that the check names (empty: none)."""
    return Finding(
        Level.BLOCKING,
        "blocked-check",
        f"{table}: {expression}",
        f"{pluralize(broken.count, 'row breaks', 'rows break')} this check{examples(broken)}",
        f"correct the rows, {_KEEP}",
        entry=entry(table, column, "keep = true"),
    )


def orphans(table: str, parent: str, columns: tuple[str, ...], orphaned: Answer) -> Finding:
    """Block a foreign key of the chain: rows refer to nothing."""
    return Finding(
        Level.BLOCKING,
        "blocked-orphans",
        f"{table}({', '.join(columns)})",
        f"{pluralize(orphaned.count, 'row refers', 'rows refer')} to nothing in {parent}{examples(orphaned)}",
        f"correct the rows, {_KEEP}",
        entry=entry(table, columns[0], "keep = true"),
    )


def lost_values(table: str, column: str, declared: str, lost: Answer) -> Finding:
    """Block a type change: values would not survive the conversion to the type that the chain declares."""
    return Finding(
        Level.BLOCKING,
        "blocked-values",
        f"{table}.{column}",
        f"{pluralize(lost.count, 'value')} would not survive as {declared}{examples(lost)}",
        f"correct the rows, {_KEEP}",
        entry=entry(table, column, "keep = true"),
    )


def stuck(table: str, column: str, why: str) -> Finding:
    """Block a difference for which archmig has no repair step; `why` is the reason."""
    return Finding(
        Level.BLOCKING,
        "blocked-shape",
        f"{table}.{column}" if column else table,
        why,
        f"change it by hand, {_KEEP}",
        entry=entry(table, column, "keep = true"),
    )


def forbidden(table: str, what: str) -> Finding:
    """Block a repair that the environment's policy does not allow; `what` is the step."""
    return Finding(
        Level.BLOCKING,
        "blocked-policy",
        f"table {table}",
        f"needs more than this environment's policy allows ({what})",
        f'set repair = "full" for it, {_KEEP}',
        entry=entry(table, "", "keep = true"),
    )


def examples(answer: Answer) -> str:
    """A few of the answer's rows in parentheses after a blank; empty without examples."""
    return f" ({', '.join(answer.examples)})" if answer.examples else ""
