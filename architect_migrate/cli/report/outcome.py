"""What came of a run as text: one line an environment, a line of totals; and the verdicts of a check."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import place, short_names
from architect_migrate.cli.report.layout import Cell, Style, plain, table
from architect_migrate.cli.report.status import where
from architect_migrate.core.text import count
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.model.revision_graph import Outline
    from architect_migrate.planning.results import Result

_HEADERS = ("environment", "outcome", "from", "to", "steps", "rows kept", "seconds", "backup")
_STYLES = {
    Outcome.DONE: Style.GOOD,
    Outcome.NOTHING: Style.DIM,
    Outcome.SKIPPED: Style.DIM,
    Outcome.PLANNED: Style.CAUTION,
    Outcome.BLOCKED: Style.BAD,
    Outcome.FAILED: Style.BAD,
}


def summary_text(results: tuple[Result, ...], outline: Outline, paint: Paint = plain, width: int = 120) -> str:
    """What was done to each environment, and the totals; backups by name, their folder in the totals."""
    names = short_names(outline)
    rows = [_row(it, outline, names) for it in results]
    return "\n".join([*table(_HEADERS, rows, paint, width), "", *_totals(results)])


def _row(result: Result, outline: Outline, names: Mapping[str, str]) -> list[Cell]:
    receipt, plan, seen = result.receipt, result.plan, result.survey
    before = where(seen, outline, names) if seen and seen.position else "-"
    done = result.outcome is Outcome.DONE
    after = place(outline, plan.after, names) if done and plan else before
    word = "not confirmed" if result.outcome is Outcome.PLANNED else result.outcome.value
    return [
        Cell(result.environment, Style.BOLD),
        Cell(word, _STYLES[result.outcome]),
        Cell(before),
        Cell(after, Style.GOOD if done else Style.PLAIN),
        Cell(f"{len(receipt.steps):,}" if receipt else "-"),
        Cell(f"{_kept(result):,}" if receipt else "-"),
        Cell(f"{receipt.seconds:.1f}" if receipt else "-"),
        Cell(Path(receipt.backup).name if receipt and receipt.backup else "-"),
    ]


def _kept(result: Result) -> int:
    """The rows that were there before and are there now: a downgrade takes those of its tables away."""
    if result.receipt is None:
        return 0
    return result.receipt.rows - sum(it.rows for it in result.losses if it.subject.startswith("table "))


def _totals(results: tuple[Result, ...]) -> list[str]:
    words = {Outcome.PLANNED: "not confirmed"}
    number = Counter(words.get(it.outcome, it.outcome.value) for it in results)
    receipts = [it.receipt for it in results if it.receipt]
    lines = [f"{count(len(results), 'environment')}: {', '.join(f'{n} {word}' for word, n in number.items())}"]
    if receipts:
        rows, tables = sum(map(_kept, results)), sum(it.tables for it in receipts)
        seconds = sum(it.seconds for it in receipts)
        lines[0] += f"; {count(rows, 'row')} in {count(tables, 'table')} kept, proven in {seconds:.1f} s"
    folders = dict.fromkeys(str(Path(it.backup).parent) for it in receipts if it.backup)
    return [*lines, *(f"backups in {folder}" for folder in folders)]


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
