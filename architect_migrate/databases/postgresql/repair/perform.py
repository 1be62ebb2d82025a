"""Executes the repair steps of a plan on a PostgreSQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.planning import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.databases.postgresql.pinned import Connection


def perform(connection: Connection, step: plan.RepairStep, progress: Callable[[str, int, int], None]) -> None:
    """Execute a repair step in the transaction that is open; nothing is committed.

    `progress` is not called: PostgreSQL does not say how far a statement is.
    """
    del progress
    for statement in statements_of(step):
        query(connection, statement)


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
