"""The picture of the packages in docs/architecture.md is what the packages import."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

from support.paths import PROJECT

PACKAGE = PROJECT / "architect_migrate"
PAGE = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")


def imports() -> dict[str, set[str]]:
    """The packages that each package imports from."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.glob("*/**/*.py"):
        package = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE.name}."):
                found[package].add(str(node.module).split(".")[1])
        found[package].discard(package)
    return found


def reduced(edges: dict[str, set[str]]) -> set[tuple[str, str]]:
    """The edges that do not follow from others."""

    def reached(start: str) -> set[str]:
        return {end for target in edges.get(start, ()) for end in {target, *reached(target)}}

    return {
        (start, target)
        for start, targets in edges.items()
        for target in targets
        if not any(target in reached(other) for other in targets - {target})
    }


def test_the_arrows_of_the_picture_are_the_imports_that_do_not_follow_from_others() -> None:
    picture = re.search(r"^```mermaid\nflowchart TD\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert picture is not None
    arrows = re.findall(r"^ *(\w+)(?:\[[^\]]*\])? --> (\w+)", picture[1], re.MULTILINE)
    assert set(arrows) == reduced(imports())


def test_every_package_has_a_line_in_the_table_of_packages() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == packages


def test_an_edge_that_follows_from_others_is_left_out() -> None:
    assert reduced({"c": {"a", "b"}, "b": {"a"}}) == {("c", "b"), ("b", "a")}
