"""What every test shares: replays of a chain are remembered in one folder, whichever worker made them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def replay_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "replays"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARCHMIG_CACHE", str(folder))
        yield folder
