"""What alembic/env.py calls: plain `alembic` commands get the same choice of database, transaction and lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def run(context: ModuleType) -> None:
    """Run what Alembic was asked for, on the connection that was lent or on the environment that was named."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
