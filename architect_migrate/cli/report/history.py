"""The chain as text and as JSON, with the environments at their newest revisions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.report.layout import Cell, Style, listing, plain
from architect_migrate.cli.report.shared import Report
from architect_migrate.cli.report.status import observed_json
from architect_migrate.model.revision_graph import heads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from architect_migrate.cli.documents.reading import RevisionJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.results import Result


def history_report(graph: RevisionGraph, results: tuple[Result, ...] | None) -> Report:
    """The chain; with results, where their environments are on it."""
    found = results or ()
    here: dict[str, list[str]] = {}
    for result in found:
        for head in heads(graph, result.survey.position) if result.survey else ():
            here.setdefault(head, []).append(result.environment)
    return Report(
        partial(history_text, graph, None if results is None else here),
        lambda: (observed_json(result, graph) for result in found),
        lambda: {"revisions": _chain_json(graph)},
    )


def history_text(
    graph: RevisionGraph, here: Mapping[str, Sequence[str]] | None = None, paint: Paint = plain, width: int = 120
) -> str:
    """The chain, oldest first; `here` names the environments whose newest revision each is."""
    headers = ["revision", "legacy", "data step"] + (["here"] if here is not None else []) + ["title"]
    return "\n".join(listing(headers, _chain(graph, here), paint, width))


def _chain(graph: RevisionGraph, here: Mapping[str, Sequence[str]] | None) -> Iterable[list[Cell]]:
    tops = set(heads(graph, frozenset(graph.order)))
    for revision in graph.revisions:
        former = f" (was {', '.join(revision.legacy_aliases)})" if revision.legacy_aliases else ""
        row = [
            Cell(
                revision.id + (" (head)" if revision.id in tops else ""),
                Style.GOOD if revision.id in tops else Style.PLAIN,
            ),
            Cell(f"{revision.legacy_version or '-'}{former}"),
            Cell("yes" if revision.data_step else "-", Style.PLAIN if revision.data_step else Style.DIM),
        ]
        row += [Cell(", ".join(here.get(revision.id, ())), Style.SPECIAL)] if here is not None else []
        yield [*row, Cell(revision.title)]


def _chain_json(graph: RevisionGraph) -> list[RevisionJson]:
    """The chain, oldest first."""
    tops = heads(graph, frozenset(graph.order))
    return [
        {
            "revision": revision.id,
            "parents": [*revision.parents],
            "title": revision.title,
            "legacy_version": revision.legacy_version or None,
            "formerly": [*revision.legacy_aliases],
            "data_step": revision.data_step,
            "head": revision.id in tops,
        }
        for revision in graph.revisions
    ]
