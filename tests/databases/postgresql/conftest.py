"""One server of each version for all tests of a worker, and connections whose transactions are rolled back."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from support.postgresql import VERSIONS, server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import psycopg


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the clusters, one for all workers of a run."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "clusters"


@pytest.fixture(scope="session")
def url_of(clusters: Path) -> Iterator[Callable[[int | None], str]]:
    """The URL of a server by its version, which is started when it is first asked for."""
    urls: dict[int | None, str] = {}
    with ExitStack() as stack:

        def url(major: int | None) -> str:
            if major not in urls:
                urls[major] = stack.enter_context(server(clusters, major))
            return urls[major]

        yield url


@pytest.fixture(params=VERSIONS)
def url(request: pytest.FixtureRequest, url_of: Callable[[int | None], str]) -> str:
    """The URL of a server, of each version in turn."""
    return url_of(request.param)


@pytest.fixture
def newest(url_of: Callable[[int | None], str]) -> str:
    """The URL of a server of the newest version that is installed."""
    return url_of(None)


@pytest.fixture
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to an empty database, in a transaction that is rolled back."""
    import psycopg

    with psycopg.connect(url) as connection:
        yield connection
        connection.rollback()
