"""One PostgreSQL server of each version for all tests of a worker."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from support.postgresql import server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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
