"""PostgreSQL servers and databases for tests."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.server_errors import ServerProgramsMissingError
from architect_migrate.databases.postgresql.programs import programs
from architect_migrate.databases.postgresql.server import throwaway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def server(folder: Path, major: int | None = None) -> Iterator[str]:
    """The URL of a server; the test is skipped if none of this version is installed.

    `folder` is where the clusters are kept that were made.
    """
    try:
        programs(major)
    except ServerProgramsMissingError as error:
        pytest.skip(str(error))
    with throwaway(major, folder) as url:
        yield url
