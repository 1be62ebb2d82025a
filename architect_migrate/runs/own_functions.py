"""Gives a connection the functions and collations of env.py, without which SQLite cannot judge what uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection

_Result = TypeVar("_Result")


def with_functions(context: EnvironmentContext, connection: Connection, work: Callable[[], _Result]) -> _Result:
    """Call `work` and return its result: inside env.py, if definitions of the chain may use what that makes."""
    if not context.graph.functions:
        return work()
    from architect_migrate.revisions.alembic_runtime import operate

    return operate(context.config, connection, lambda _: work(), dont_mutate=True)
