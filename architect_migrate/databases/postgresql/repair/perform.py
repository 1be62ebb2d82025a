"""Executes the repair steps of a plan on a PostgreSQL database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, assert_never

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.planning import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from architect_migrate.databases.postgresql.pinned import Connection

# What texts that were read mean the same under, whatever the session has: values of intervals, functions that name what
# is made after them, and rows that a policy would hide.
_SETTINGS = {
    "intervalstyle": "postgres",
    "datestyle": "ISO, YMD",
    "check_function_bodies": "off",
    "row_security": "off",
}


def perform(connection: Connection, step: plan.RepairStep, _progress: Callable[[str, int, int], None]) -> None:
    """Execute a repair step in the transaction that is open; nothing is committed.

    The progress of a step is not told: PostgreSQL does not say how far a statement is.
    """
    with _settings(connection):
        for statement in statements_of(step):
            query(connection, statement)


@contextmanager
def _settings(connection: Connection) -> Iterator[None]:
    """Give the block its settings, and the session its own ones after it; after an error the transaction is over."""
    names = ", ".join(f"current_setting({literal(name)})" for name in _SETTINGS)
    before = query(connection, f"SELECT {names}").fetchall()[0]
    _set(connection, _SETTINGS)
    yield
    _set(connection, dict(zip(_SETTINGS, map(str, before), strict=True)))


def _set(connection: Connection, settings: dict[str, str]) -> None:
    each = (f"set_config({literal(name)}, {literal(value)}, true)" for name, value in settings.items())
    query(connection, f"SELECT {', '.join(each)}")


def statements_of(step: plan.RepairStep) -> tuple[str, ...]:
    """The statements of a repair step, in the order in which they are executed."""
    match step:
        case plan.AlterObject():
            return step.statements
        case plan.CreateObject():
            return (step.sql,)
        case plan.DropObject() | plan.DropColumn() if step.sql:
            return (step.sql,)
        case plan.DropObject():
            return (f"DROP {step.kind.upper()} {quote(step.name)}",)
        case plan.DropColumn():
            return (f"ALTER TABLE {quote(step.table)} DROP COLUMN {quote(step.column)}",)
        case plan.AddColumn():
            return (f"ALTER TABLE {quote(step.table)} ADD COLUMN {step.definition}",)
        case plan.RenameTable():
            return (f"ALTER TABLE {quote(step.table)} RENAME TO {quote(step.new)}",)
        case plan.RenameColumn():
            return (f"ALTER TABLE {quote(step.table)} RENAME COLUMN {quote(step.column)} TO {quote(step.new)}",)
        case plan.RebuildTable():
            raise AssertionError(step)  # PostgreSQL alters a table in its place
        case _:
            assert_never(step)
