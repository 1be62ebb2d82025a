"""`make smoke` runs something of each package, and only what is there."""

from __future__ import annotations

import re

from support.paths import PROJECT

MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")


def test_smoke_runs_something_of_each_package() -> None:
    found = re.search(r"^SMOKE\s*=(.*)$", MAKEFILE, re.MULTILINE)
    assert found is not None
    paths = found[1].split()
    assert [path for path in paths if not (PROJECT / path).exists()] == []
    packages = {path.parent.name for path in (PROJECT / "architect_migrate").glob("*/__init__.py")}
    assert packages - {path.split("/")[1] for path in paths} == set()
