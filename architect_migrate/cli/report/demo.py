"""The demo that was written, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.cli.report.shared import Report
from architect_migrate.core.text import pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from architect_migrate.cli.documents.changing import NameJson


def demo_report(config: Path, names: Sequence[str]) -> Report:
    """The demo's environments.toml and the names of its environments."""
    return Report(
        lambda *_: f"{pluralize(len(names), 'environment')} in {config}: {', '.join(names)}",
        lambda: _named(names),
        lambda: {"config": str(config)},
        lambda: [f"look at them: archmig -c {config} status"],
    )


def _named(names: Sequence[str]) -> Iterator[NameJson]:
    return ({"name": name} for name in names)
