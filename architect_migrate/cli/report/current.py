"""The revision of each database, as proven and as stamped, as text and as JSON."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.report.layout import Cell, Style, listing
from architect_migrate.cli.report.shared import Report, environment_json
from architect_migrate.cli.report.status import against, state_cell
from architect_migrate.core.text import pluralize
from architect_migrate.model.revision_graph import heads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.cli.documents.reading import CurrentJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.results import Result, Survey

_HEADERS = ("environment", "state", "revision", "stamped", "title")


def current_report(results: tuple[Result, ...], graph: RevisionGraph) -> Report:
    """The revisions of each database; what Alembic's stamp says where that differs."""
    return Report(partial(_text, results, graph), lambda: (_current_json(result, graph) for result in results))


def _text(results: tuple[Result, ...], graph: RevisionGraph, paint: Paint, width: int) -> str:
    rows = [row for result in results for row in _rows(result, graph)]
    return "\n".join(listing(_HEADERS, rows, paint, width))


def _rows(result: Result, graph: RevisionGraph) -> Iterator[list[Cell]]:
    """A row for each head of a database, the first with its name."""
    begins, seen = [Cell(result.environment, Style.BOLD), state_cell(result)], result.survey
    if seen is None:
        yield [*begins, Cell("-"), Cell(""), Cell("")]
        return
    tops, stamped = heads(graph, seen.position), Cell(_stamped(seen) if _differs(seen, graph) else "", Style.BAD)
    if not tops:
        yield [*begins, Cell("base" if seen.exists else "-", Style.DIM), stamped, Cell("")]
    titles = {revision.id: revision.title for revision in graph.revisions}
    newest = heads(graph, frozenset(graph.order))
    gaps = _gaps(seen)
    for number, head in enumerate(tops):
        said = head + (" (head)" if head in newest else "") + (f", {pluralize(gaps, 'gap')}" if gaps else "")
        style = Style.GOOD if head in newest and not gaps else Style.PLAIN
        first, at_stamp = ([Cell(""), Cell("")], Cell("")) if number else (begins, stamped)
        yield [*first, Cell(said, style), at_stamp, Cell(titles[head])]


def _gaps(seen: Survey) -> int:
    return against(seen).gaps


def _differs(seen: Survey, graph: RevisionGraph) -> bool:
    """Whether the stamp is not what is there; a database without revisions needs none."""
    return set(seen.claims.stamp or ()) != set(heads(graph, seen.position))


def _stamped(seen: Survey) -> str:
    return "none" if seen.claims.stamp is None else ", ".join(seen.claims.stamp) or "base"


def _current_json(result: Result, graph: RevisionGraph) -> CurrentJson:
    seen = result.survey
    return {
        **environment_json(result.environment, result.database, result.error),
        "state": result.state.name.lower(),
        "heads": [*heads(graph, seen.position)] if seen else None,
        "stamp": None if seen is None or seen.claims.stamp is None else [*seen.claims.stamp],
        "gaps": _gaps(seen) if seen else None,
    }
