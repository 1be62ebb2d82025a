"""What `archmig docs` wrote, or would, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.cli.report.docs import summary
from architect_migrate.cli.report.shared import Report
from architect_migrate.cli.report.status import seen_json
from architect_migrate.core.text import clean, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.authoring.page_files import PageChanges
    from architect_migrate.authoring.schema_docs import Documented
    from architect_migrate.cli.documents.reading import PageJson


def docs_report(shown: Documented, writing: PageChanges, folder: Path, *, check: bool) -> Report:
    """The pages by what became of them; a check names those that are not up to date."""
    return Report(
        lambda *_: "\n".join(_lines(shown, writing, folder, check)),
        lambda: [seen_json(shown.seen, shown.graph)] if shown.seen else [],
        lambda: {"folder": str(folder), "pages": _pages_json(writing)},
        lambda: ["archmig docs with the same words but --check writes them"] if check and writing.needed else [],
    )


def _lines(shown: Documented, writing: PageChanges, folder: Path, check: bool) -> Iterator[str]:
    numbers = ((writing.new, "new"), (writing.changed, "changed"), (writing.gone, "no longer needed"))
    if check:
        yield from (f"{word}: {clean(str(folder / path))}" for paths, word in numbers for path in paths)
    told = ", ".join(f"{len(paths):,} {word}" for paths, word in numbers if paths) or "up to date"
    pages = pluralize(len(writing.new) + len(writing.changed) + len(writing.same), "page")
    yield f"{clean(str(folder))}: {told}; {pages} of {summary(shown)}"


def _pages_json(writing: PageChanges) -> list[PageJson]:
    states = (("new", writing.new), ("changed", writing.changed), ("gone", writing.gone), ("same", writing.same))
    return [{"path": path, "state": state} for state, paths in states for path in paths]
