"""Whatever a database looks like: reconcile ends at head or blocked, keeps everything, and has nothing to do again.

ARCHMIG_EXAMPLES=1000 tries as many new databases on each chain, and `make torture` 60; by default a few, the same
every time.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from architect_migrate.planning.results import Outcome
from support.paths import PROJECT
from support.property_chains import CHAINS, write_chain
from support.property_checks import Chain, Drifted, assert_comes_home, chain_of
from support.property_drift import drifted

DASHBOARD = PROJECT / "alembic.ini"
EXAMPLES = int(os.environ.get("ARCHMIG_EXAMPLES", "0"))


def profile(examples: int) -> settings:
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def dashboard(replay_cache: Path) -> Chain:
    return chain_of(DASHBOARD, replay_cache)


@pytest.fixture(scope="module", params=list(CHAINS))
def small(request: pytest.FixtureRequest, replay_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    folder = tmp_path_factory.mktemp(request.param)
    return chain_of(write_chain(folder, CHAINS[request.param]), replay_cache)


def comes_home(chain: Chain, each: Drifted, cache: Path) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        outcome = assert_comes_home(chain, each, Path(folder), cache)
    event(outcome.value)
    return outcome


@profile(4)
@given(st.data())
def test_a_drifted_database_of_the_dashboard_comes_home_or_is_blocked(
    dashboard: Chain, replay_cache: Path, data: st.DataObject
) -> None:
    assert comes_home(dashboard, data.draw(drifted(dashboard)), replay_cache) is not Outcome.FAILED


@profile(10)
@given(st.data())
def test_a_drifted_database_of_a_small_chain_comes_home_or_is_blocked(
    small: Chain, replay_cache: Path, data: st.DataObject
) -> None:
    comes_home(small, data.draw(drifted(small)), replay_cache)
