"""What forbids a repair, as findings: each says what the rows or the policy hold, and what would settle it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.findings import Finding, Level
from architect_migrate.resolve import copy_line, entry

if TYPE_CHECKING:
    from architect_migrate.questions import Answer

_STAND = "or let the actual shape stand: add this to environments.toml"


def required(table: str, column: str, rows: int, like: str) -> Finding:
    """A column that must have a value is missing; `like` is the column that may hold it, or empty."""
    looks = f"{table}.{like} looks like it" if like else "nothing in the table looks like it"
    return Finding(
        Level.BLOCKING,
        "blocked-required-column",
        f"{table}.{column}",
        f"the chain requires a value, {rows} rows have none, and {looks}",
        "say what the rows get: add this to environments.toml",
        entry=entry(table, column, copy_line(like) if like else 'default = ""'),
    )


def unfilled(table: str, column: str, nulls: Answer, origin: object) -> Finding:
    """An entry says how to fill a column, and leaves rows without a value."""
    return Finding(
        Level.BLOCKING,
        "blocked-null",
        f"{table}.{column}",
        f"{nulls.count} rows have no value to fill it with{examples(nulls)}",
        f'add default = "..." or allow_null = true to {origin}',
    )


def null_rows(table: str, column: str, nulls: Answer) -> Finding:
    """Rows hold NULL where the chain says NOT NULL."""
    return Finding(
        Level.BLOCKING,
        "blocked-null",
        f"{table}.{column}",
        f"the chain says NOT NULL, {nulls.count} rows hold NULL{examples(nulls)}",
        "say what they get, or let them be: add this to environments.toml",
        entry=entry(table, column, "allow_null = true"),
    )


def duplicates(table: str, columns: tuple[str, ...], doubled: Answer) -> Finding:
    """Rows are alike where the chain says unique."""
    return Finding(
        Level.BLOCKING,
        "blocked-duplicates",
        f"{table}({', '.join(columns)})",
        f"must be unique, but {doubled.count} values stand more than once{examples(doubled)}",
        f"make the rows differ, {_STAND}",
        entry=entry(table, columns[0], "keep = true"),
    )


def broken_check(table: str, column: str, expression: str, broken: Answer) -> Finding:
    """Rows break a check of the chain; `column` is one that it names, or empty."""
    return Finding(
        Level.BLOCKING,
        "blocked-check",
        f"{table}: {expression}",
        f"{broken.count} rows break this check{examples(broken)}",
        f"correct the rows, {_STAND}",
        entry=entry(table, column, "keep = true"),
    )


def lost_values(table: str, column: str, declared: str, lost: Answer) -> Finding:
    """Values would change if the column had the chain's type."""
    return Finding(
        Level.BLOCKING,
        "blocked-values",
        f"{table}.{column}",
        f"{lost.count} values would not survive as {declared}{examples(lost)}",
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
