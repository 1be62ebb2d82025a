"""The verdicts of a check, as text and as JSON."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import short_names
from architect_migrate.cli.report.layout import Cell, Style, plain, table
from architect_migrate.cli.report.shared import Report
from architect_migrate.cli.report.status import observed_json, with_notices
from architect_migrate.model.revision_graph import heads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.cli.documents.reading import CheckJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.ledger.external_changes import Notice
    from architect_migrate.model.revision_graph import Outline
    from architect_migrate.planning.results import Checked, Result


def check_report(checked: Checked, notices: Mapping[str, Notice]) -> Report:
    """A verdict for each environment, and what is no longer as archmig left it."""
    results, words, outline = checked.results, checked.words, checked.outline
    return Report(
        partial(with_notices, partial(check_text, results, words, outline), notices),
        lambda: (_check_json(result, why, outline, notices) for result, why in zip(results, words, strict=True)),
    )


def check_text(
    results: tuple[Result, ...], words: tuple[str, ...], outline: Outline, paint: Paint = plain, width: int = 120
) -> str:
    """A verdict for each environment; `words` are why one is not clean, empty where it is."""
    names = short_names(outline)
    rows = []
    for it, why in zip(results, words, strict=True):
        if it.survey is None:
            rows.append([Cell(it.environment, Style.BOLD), Cell("cannot tell", Style.BAD), Cell(it.detail)])
        elif why:
            rows.append([Cell(it.environment, Style.BOLD), Cell("differs", Style.BAD), Cell(why)])
        else:
            at = ", ".join(names[one] for one in heads(outline, it.survey.position))
            said = f"at {at}" if at else "nothing of the chain is in it; its policy is to skip it"
            rows.append([Cell(it.environment, Style.BOLD), Cell("clean", Style.GOOD), Cell(said)])
    return "\n".join(table(("environment", "verdict", "why"), rows, paint, width))


def _check_json(result: Result, why: str, outline: Outline, notices: Mapping[str, Notice]) -> CheckJson:
    from architect_migrate.cli.report.ledger import notice_json

    return {
        **observed_json(result, outline),
        "clean": None if result.survey is None else not why,
        "why": why or None,
        "notice": notice_json(notices.get(result.environment)),
    }
