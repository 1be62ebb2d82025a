from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.config.context import EnvironmentContext, contexts_for
from architect_migrate.config.loader import read_project
from architect_migrate.revisions import replay
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pair(tmp_path: Path) -> tuple[EnvironmentContext, ...]:
    """The settings of two environments of the shipped chain."""
    file = tmp_path / "environments.toml"
    ini = json.dumps(str(PROJECT / "alembic.ini"))
    file.write_text(f'[alembic]\nconfig = {ini}\n[env.a]\npath = "a.db"\n[env.b]\npath = "b.db"\nrequires = ["a"]\n')
    project = read_project(file, {})
    return contexts_for(project, project.environments, Path(os.environ["ARCHMIG_CACHE"]))


@pytest.fixture
def as_a_new_process() -> Iterator[None]:
    """No source is known yet, as in a worker that has just begun."""
    replay._shared.cache_clear()
    yield
    replay._shared.cache_clear()


def test_what_is_read_of_the_chain_is_shared_by_the_settings_of_a_matrix(pair: tuple[EnvironmentContext, ...]) -> None:
    first, second = pair
    assert first.history is second.history is second.required[0].history
    assert first.graph is first.chain is second.graph


def test_a_setting_is_pickled_without_the_history_and_stays_equal(pair: tuple[EnvironmentContext, ...]) -> None:
    first, second = pair
    before = pickle.dumps(first)
    assert first.history.graph.order
    assert pickle.dumps(first) == before
    assert pickle.loads(before) == first != second


@pytest.mark.usefixtures("as_a_new_process")
def test_another_process_reads_the_chain_once_for_all_settings_sent_to_it(pair: tuple[EnvironmentContext, ...]) -> None:
    sent = [pickle.dumps(context) for context in pair]
    replay._shared.cache_clear()
    first, second = (pickle.loads(data) for data in sent)
    assert first.source is second.source
    assert first.source is not pair[0].source
    assert first.source.whole is first.source
    assert first.graph == pair[0].graph


def test_a_source_without_branches_shares_the_whole_chain(pair: tuple[EnvironmentContext, ...]) -> None:
    source = pair[0].source
    left = source.without(("dev",), ("dev", "qa"))
    assert left.whole is source
    assert left is source.without(("dev",), ("dev", "qa"))
    assert (left.excluded, left.reserved) == (("dev",), ("dev", "qa"))
    assert pickle.loads(pickle.dumps(left)) is left
