"""An environment's stand-in: the same setting on a private copy, with a ledger and backups that nobody keeps."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.urls import sqlite_url
from architect_migrate.databases import access
from architect_migrate.databases.sqlite.files.scratch_copy import copy_of, private_folder
from architect_migrate.model.environment import Uninitialised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.config.context import Setting


@contextmanager
def stand_in(setting: Setting, times: int) -> Iterator[Setting]:
    """The environment on a copy of its database as it is now, gone when the block ends; the original is only read.

    Nothing stands there where the environment's policy knows what to do without a database and there is none. Asks
    for free space of `times` the database. Raises CopyError, and as `reading`.
    """
    with private_folder() as folder:
        copy = _copied(setting, folder, times)
        environment = replace(setting.environment, url=sqlite_url(copy), require_rehearsal=False)
        yield replace(
            setting,
            environment=environment,
            ledger=folder / "ledger.db",
            backups=folder / "backups",
            keep=None,
            max_age=None,
        )


def _copied(setting: Setting, folder: Path, times: int) -> Path:
    url, policy = setting.environment.url, setting.environment.uninitialised
    if not access.exists(url) and policy is not Uninitialised.ERROR:
        return folder / "database.db"
    with access.reading(url, setting.environment.lock_timeout) as source:
        return copy_of(source, folder, times)
