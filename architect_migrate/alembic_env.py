"""Public import for alembic/env.py: `from architect_migrate.alembic_env import run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["run"]


def run(context: ModuleType) -> None:
    """Run the Alembic command on the connection that was passed in, or on the chosen environment.

    `context` is the module `alembic.context`. Raises CommandError, which Alembic's command line prints in one line, for
    what archmig, SQLite or the operating system refuses.
    """
    lent = context.config.attributes.get("connection")
    if lent is None:
        # Why here: a replay passes a connection in, and needs nothing else of archmig in env.py.
        from architect_migrate.integrations.alembic.env import run_command

        run_command(context)
        return
    context.configure(connection=lent)
    with context.begin_transaction():
        context.run_migrations()
