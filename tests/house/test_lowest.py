"""`make lowest` tries the oldest versions that pyproject.toml allows, all of them."""

from __future__ import annotations

import tomllib

from support.paths import PROJECT


def test_the_lowest_set_is_that_of_the_dependencies() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (PROJECT / "tests" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    driver = [each.replace("[binary]", "") for each in project["optional-dependencies"]["postgresql"]]
    assert [line.replace("==", ">=") for line in lines[1:]] == [*project["dependencies"], *driver]
