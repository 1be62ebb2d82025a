"""The contract for every kind of database: each test here runs once for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.capabilities import Capability
from architect_migrate.databases.registry import KINDS, lacking
from support.kinds import PEOPLE, PLACES, run

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl


# The contract is that of a run. What looks alone has its tests beside its package.
@pytest.fixture(params=[kind for kind in KINDS if Capability.RUNS not in lacking(kind)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(kind: str, tmp_path: Path) -> DatabaseUrl:
    """The place of a database that does not exist."""
    return PLACES[kind](tmp_path, "a")


@pytest.fixture
def other(kind: str, tmp_path: Path) -> DatabaseUrl:
    """Another one."""
    return PLACES[kind](tmp_path, "b")


@pytest.fixture
def people(place: DatabaseUrl) -> DatabaseUrl:
    """A database with a table of two rows."""
    run(place, *PEOPLE)
    return place
