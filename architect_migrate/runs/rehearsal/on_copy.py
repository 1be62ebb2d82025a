"""The context of an environment on a private copy of its database, with a temporary ledger and backups."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.config.policies import creates_missing, skips_uninitialised
from architect_migrate.core.urls import sqlite_url
from architect_migrate.databases.registry import access, keeper, temporary
from architect_migrate.runs.rehearsal_gate import without_gate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext


@contextmanager
def on_copy(context: EnvironmentContext, times: int) -> Iterator[EnvironmentContext]:
    """Copy an environment's database, and yield its context on the copy, which is removed after the block.

    The original is only read. There is no copy where the database is missing and the policy is to create or skip it.
    Requires free space of `times` the database's size. Raises CopyError, and as `reading`.
    """
    with temporary.private_folder() as folder:
        copy = _copied(context, folder, times)
        freely = without_gate(context)
        yield replace(
            freely,
            environment=freely.environment.copied_to(sqlite_url(copy)),
            ledger=folder / "ledger.db",
            backups=folder / "backups",
            # Why no pruning: the copy's backups are deleted with its folder.
            keep=None,
            max_age=None,
        )


def _copied(context: EnvironmentContext, folder: Path, times: int) -> Path:
    environment, url = context.environment, context.environment.url
    if not access.exists(url) and (creates_missing(environment) or skips_uninitialised(environment)):
        return folder / "database.db"
    with access.reading(url, context.environment.policies.lock_timeout) as source:
        return keeper.copy_of(source, folder, times)
