"""What `archmig lint` finds by trying: each code with a revision that has the flaw, and the same put right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.lint.lint import lint
from architect_migrate.model.chain_config import beside
from architect_migrate.revisions.replay import source_of
from support.lint_cases import CASES, chain, files_of

if TYPE_CHECKING:
    from architect_migrate.lint.rules import Violation

# Not about one revision: every case has a base of its own and two heads.
ELSEWHERE = {"AM007"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Violation]]:
    """The flaws of all cases, by revision: one run tries them all."""
    files = {name: text for case in CASES.items() for name, text in files_of(*case).items()}
    ini = chain(tmp_path_factory.mktemp("cases"), files)
    by_revision: dict[str, list[Violation]] = {name: [] for name in files}
    for one in lint(source_of(beside(ini), Path(os.environ["ARCHMIG_CACHE"]))):
        by_revision[one.revision].append(one)
    return by_revision


@pytest.mark.parametrize("name", CASES)
def test_a_flaw_is_found_where_it_is_and_nowhere_else(name: str, found: dict[str, list[Violation]]) -> None:
    case = CASES[name]
    bad = {one.code for one in found[f"{name}_bad"]} - ELSEWHERE - idle(case.bad_down)
    good = {one.code for one in found[f"{name}_good"]} - ELSEWHERE - idle(case.good_down or case.bad_down)
    assert (bad, good) == ({case.code}, set())
    for item in found[f"{name}_bad"]:
        assert 0 < item.line <= len(Path(item.file).read_text(encoding="utf-8").splitlines())
        assert item.fix


def idle(down: str) -> set[str]:
    """A downgrade() that has nothing to do is none of these cases' business."""
    return {"AM105"} if down == "pass" else set()
