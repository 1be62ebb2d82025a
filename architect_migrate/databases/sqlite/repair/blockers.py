"""What forbids a repair, as findings: each says what the rows or the policy hold, and what would settle it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.text import pluralize
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.resolutions import copy_line, entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.model.schema import Column, Table
    from architect_migrate.planning.row_questions import Answer

_STAND = "or let the actual shape stand: add this to environments.toml"


def required(shape: Table, column: Column, rows: int, like: str) -> Finding:
    """A column that must have a value is missing; `shape` is the chain's, `like` what may hold it, or empty."""
    table = shape.name
    looks = f"{table}.{like} looks like it" if like else "nothing in the table looks like it"
    return Finding(
        Level.BLOCKING,
        "blocked-required-column",
        f"{table}.{column.name}",
        f"the chain requires a value, {pluralize(rows, 'row has', 'rows have')} none, and {looks}",
        "say what the rows get: add this to environments.toml",
        entry=entry(table, column.name, copy_line(like) if like else _value_line(shape, column)),
    )


def _value_line(shape: Table, column: Column) -> str:
    """What rows can get without anything to go by: an empty value, or NULL where a constraint may not take that."""
    keys = [*shape.uniques, shape.primary_key, *(key.columns for key in shape.foreign_keys)]
    if any(column.name in key for key in keys) or any(column.name in check.mentions for check in shape.checks):
        return "allow_null = true"
    return 'default = ""' if column.affinity in {"TEXT", "BLOB"} else "default = 0"


def agreed(blockers: Iterable[Finding]) -> tuple[Finding, ...]:
    """The same, where two would settle one thing differently with the entry that settles both: keep it as it is."""
    found = tuple(blockers)
    ways: dict[str, set[str]] = {}
    for finding in found:
        ways.setdefault(_named(finding), set()).add(finding.entry)
    return tuple(
        replace(each, entry=f"{_named(each)}\nkeep = true") if len(ways[_named(each)]) > 1 else each for each in found
    )


def _named(finding: Finding) -> str:
    """A finding's entry without its last line, which says what to do."""
    return finding.entry.rpartition("\n")[0]


def unfilled(table: str, column: str, nulls: Answer, origin: object) -> Finding:
    """An entry says how to fill a column, and leaves rows without a value."""
    return Finding(
        Level.BLOCKING,
        "blocked-null",
        f"{table}.{column}",
        f"{pluralize(nulls.count, 'row has', 'rows have')} no value to fill it with{examples(nulls)}",
        f'add default = "..." or allow_null = true to {origin}',
    )


def null_rows(table: str, column: str, nulls: Answer) -> Finding:
    """Rows hold NULL where the chain says NOT NULL."""
    return Finding(
        Level.BLOCKING,
        "blocked-null",
        f"{table}.{column}",
        f"the chain says NOT NULL, {pluralize(nulls.count, 'row holds', 'rows hold')} NULL{examples(nulls)}",
        "say what they get, or let them be: add this to environments.toml",
        entry=entry(table, column, "allow_null = true"),
    )


def duplicates(table: str, columns: tuple[str, ...], doubled: Answer) -> Finding:
    """Rows are alike where the chain says unique."""
    return Finding(
        Level.BLOCKING,
        "blocked-duplicates",
        f"{table}({', '.join(columns)})",
        f"must be unique, but {pluralize(doubled.count, 'value stands', 'values stand')} more than once"
        f"{examples(doubled)}",
        f"make the rows differ, {_STAND}",
        entry=entry(table, columns[0], "keep = true"),
    )


def broken_check(table: str, column: str, expression: str, broken: Answer) -> Finding:
    """Rows break a check of the chain; `column` is one that it names, or empty."""
    return Finding(
        Level.BLOCKING,
        "blocked-check",
        f"{table}: {expression}",
        f"{pluralize(broken.count, 'row breaks', 'rows break')} this check{examples(broken)}",
        f"correct the rows, {_STAND}",
        entry=entry(table, column, "keep = true"),
    )


def lost_values(table: str, column: str, declared: str, lost: Answer) -> Finding:
    """Values would change if the column had the chain's type."""
    return Finding(
        Level.BLOCKING,
        "blocked-values",
        f"{table}.{column}",
        f"{pluralize(lost.count, 'value')} would not survive as {declared}{examples(lost)}",
        f"correct the rows, {_STAND}",
        entry=entry(table, column, "keep = true"),
    )


def stuck(table: str, column: str, why: str) -> Finding:
    """A shape that no step of archmig leads out of."""
    return Finding(
        Level.BLOCKING,
        "blocked-shape",
        f"{table}.{column}" if column else table,
        why,
        f"change it by hand, {_STAND}",
        entry=entry(table, column, "keep = true"),
    )


def forbidden(table: str, what: str) -> Finding:
    """A repair that the environment's policy does not allow."""
    return Finding(
        Level.BLOCKING,
        "blocked-policy",
        f"table {table}",
        f"needs more than this environment's policy allows ({what})",
        f'set repair = "full" for it, {_STAND}',
        entry=entry(table, "", "keep = true"),
    )


def examples(answer: Answer) -> str:
    """A few of the rows in parentheses, after a blank; empty without any."""
    return f" ({', '.join(answer.examples)})" if answer.examples else ""
