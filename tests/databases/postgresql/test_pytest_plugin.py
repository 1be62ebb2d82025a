"""`pytest --archmig` on a chain that needs PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

pytest_plugins = ("pytester",)


def test_only_what_was_tried_is_named_and_the_fixture_of_databases_is_refused(
    database: Callable[..., str], project: Path, pytester: pytest.Pytester
) -> None:
    database()
    pytester.makepyfile("def test_it(archmig_database):\n    archmig_database()\n")
    # Why in a process of its own: pytester would load archmig's modules twice.
    done = pytester.runpytest_subprocess(
        "--archmig", f"--archmig-config={project / 'environments.toml'}", "-v", "-p", "no:cacheprovider"
    )
    done.stdout.fnmatch_lines(
        [
            "*test_it FAILED*",
            "archmig::single_head PASSED*",
            "archmig::up[[]a1[]] PASSED*",
            "archmig::up[[]b2[]] PASSED*",
            "archmig::up[[]c3[]] PASSED*",
            "archmig::schema_matches_the_chain PASSED*",
            "archmig::models_match_the_schema SKIPPED*",
            "archmig::lint_clean PASSED*",
            "*archmig does not make test databases of this kind*",
        ]
    )
    done.assert_outcomes(passed=6, failed=1, skipped=1)
