"""The verdicts of a check, as text and as JSON."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import short_names
from architect_migrate.cli.report.layout import Cell, Style, listing, plain
from architect_migrate.cli.report.shared import Report
from architect_migrate.cli.report.status import at, observed_json, state_cell, with_external_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.cli.documents.reading import CheckJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.ledger.external_changes import ExternalChange
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.results import Checked, Result


def check_report(checked: Checked, external_changes: Mapping[str, ExternalChange]) -> Report:
    """A verdict for each environment, and what is no longer as archmig left it."""
    results, words, graph = checked.results, checked.words, checked.graph
    return Report(
        partial(with_external_changes, partial(check_text, results, words, graph), external_changes),
        lambda: (_check_json(result, why, graph, external_changes) for result, why in zip(results, words, strict=True)),
    )


def check_text(
    results: tuple[Result, ...], words: tuple[str, ...], graph: RevisionGraph, paint: Paint = plain, width: int = 120
) -> str:
    """A verdict for each environment; `words` are why one is not clean, empty where it is."""
    names = short_names(graph)
    rows = [_row(result, why, graph, names) for result, why in zip(results, words, strict=True)]
    return "\n".join(listing(("environment", "state", "verdict", "why"), rows, paint, width))


def _row(result: Result, why: str, graph: RevisionGraph, names: Mapping[str, str]) -> list[Cell]:
    """A verdict and the reason; why a database could not be read is said on stderr."""
    begins = [Cell(result.environment, Style.BOLD), state_cell(result)]
    if result.survey is None:
        return [*begins, Cell("-"), Cell("")]
    if why:
        return [*begins, Cell("differs", Style.BAD), Cell(why)]
    where = at(result.survey, graph, names)
    said = "nothing of the chain is in it; its policy is to skip it" if where == "-" else f"at {where}"
    return [*begins, Cell("clean", Style.GOOD), Cell(said)]


def _check_json(
    result: Result, why: str, graph: RevisionGraph, external_changes: Mapping[str, ExternalChange]
) -> CheckJson:
    from architect_migrate.cli.report.ledger import external_change_json

    return {
        **observed_json(result, graph),
        "clean": None if result.survey is None else not why,
        "why": why or None,
        "notice": external_change_json(external_changes.get(result.environment)),
    }
