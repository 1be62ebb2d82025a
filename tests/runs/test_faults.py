"""Whatever befalls a run, the database is as before or as after, sound, and the same command goes through from there.

A sample of what `make torture` counts by the thousand.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from torture.befall import CALLS, calls, fail_call, first, kill_after, kill_at, limit
from torture.cases import MODES, SHOP, stage
from torture.client import COMPILER, serving
from torture.crowd import crowd
from torture.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torture.cases import TrialEnvironment
    from torture.client import Server

# The cases of 25,000 rows take seconds a run: those are for `make torture`.
QUICK = [one for one in SHOP if "25,000" not in one.name]
# Each case in one of the modes: `make torture` has all of them in both.
KINDS = [(case, MODES[number % len(MODES)]) for number, case in enumerate(QUICK)]
with_shim = pytest.mark.skipif(COMPILER is None, reason="no C compiler (gcc or cc): no call can be made to fail")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(
    scope="module",
    params=KINDS,
    ids=[f"{case.name}, {mode}".replace(",", "").replace(" ", "-") for case, mode in KINDS],
)
def on(request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory) -> TrialEnvironment:
    return stage(*request.param, tmp_path_factory.mktemp("stage"), server)


@pytest.fixture
def tally() -> Iterator[Tally]:
    """Counts what the test does; in the end nothing may be wrong."""
    found = Tally()
    yield found
    assert found.told == []
    assert (found.befallen > 0, found.wrong) == (True, 0)


def test_a_kill_before_or_after_a_statement_leaves_before_or_after(on: TrialEnvironment, tally: Tally) -> None:
    """The statements around the commit are among them."""
    for point in (random.Random(on.case.name).randrange(1, on.points), on.points - 12, on.points):
        kill_at(on, tally, max(point, 1))
    assert tally.after > 0


def test_a_kill_at_any_time_leaves_before_or_after(on: TrialEnvironment, tally: Tally) -> None:
    kill_after(on, tally, random.Random(on.case.name).uniform(0.3, 1.0) * on.seconds)


@with_shim
def test_a_call_that_fails_leaves_before_or_after_and_is_named(on: TrialEnvironment, tally: Tally) -> None:
    chance = random.Random(on.case.name)
    call, known = made(on, chance, CALLS)
    fail_call(on, tally, call, chance.randint(first(on, call), known), lasting=chance.random() < 0.5)


@with_shim
def test_a_call_that_fails_at_the_commit_or_after_it_is_told_as_it_is(on: TrialEnvironment, tally: Tally) -> None:
    """SQLite's error alone does not tell whether a commit came through."""
    chance = random.Random(on.case.name)
    call, known = made(on, chance, ("write", "truncate", "open"))
    fail_call(on, tally, call, chance.randint(max(first(on, call), known - 15), known))


def made(on: TrialEnvironment, chance: random.Random, kinds: tuple[str, ...]) -> tuple[str, int]:
    """A kind of calls that the run makes, by chance, and how many of them."""
    counted = ((call, calls(on, call)) for call in chance.sample(kinds, len(kinds)))
    return next((call, known) for call, known in counted if known)


def test_a_full_disk_leaves_before_or_after_and_is_named(on: TrialEnvironment, tally: Tally) -> None:
    limit(on, tally, on.database.stat().st_size + 20_000)


@pytest.mark.parametrize("mode", MODES)
def test_of_runs_at_once_one_does_it_and_the_application_notices_nothing(tmp_path: Path, mode: str) -> None:
    (line,) = crowd(tmp_path / "crowd", 3, mode)
    assert line.startswith("3 runs at once")
