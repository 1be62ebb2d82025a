"""The contract for every kind of database: each test here runs once for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.capabilities import Capability
from architect_migrate.databases.registry import KINDS, LOCAL, lacking
from support.kinds import PEOPLE, Files, Served, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl
    from support.kinds import Places


@pytest.fixture(params=[*KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def needs(kind: str, capability: Capability) -> None:
    """Skip a test of what a kind cannot do, with its own reason."""
    if reason := lacking(kind).get(capability):
        pytest.skip(reason)


@pytest.fixture
def makes(kind: str) -> None:
    """Skip a test of databases that are made and removed."""
    needs(kind, Capability.MAKES)


@pytest.fixture
def undoes(kind: str) -> None:
    """Skip a test of contents that are compared with others."""
    needs(kind, Capability.UNDO)


@pytest.fixture
def copies(kind: str) -> None:
    """Skip a test of copies."""
    needs(kind, Capability.COPIES)


@pytest.fixture
def local(kind: str) -> None:
    """Skip a test of what only the kind has that needs no server."""
    needs(kind, Capability.LOCAL)


@pytest.fixture
def places(kind: str, tmp_path: Path, url_of: Callable[[int | None], str]) -> Iterator[Places]:
    if kind == LOCAL:
        yield Files(tmp_path)
    else:
        pytest.importorskip("psycopg")
        served = Served(url_of(None))
        yield served
        served.drop()


@pytest.fixture
def place(places: Places) -> DatabaseUrl:
    """The place of a database that does not exist."""
    return places.new()


@pytest.fixture
def other(places: Places) -> DatabaseUrl:
    """Another one."""
    return places.new()


@pytest.fixture
def people(place: DatabaseUrl) -> DatabaseUrl:
    """A database with a table of two rows."""
    run(place, *PEOPLE)
    return place
