"""No line of a report is wider than the screen, whatever environments, revisions and titles are called."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from architect_migrate.cli.report.chain import titled
from architect_migrate.cli.report.history import history_text
from architect_migrate.cli.report.layout import Cell, block, columns_of, folded, headed, listing, plain, table
from architect_migrate.cli.report.ledger import log_text
from architect_migrate.cli.report.outcome import summary_text
from architect_migrate.cli.report.plan import plan_text
from architect_migrate.cli.report.status import pending_text, status_text
from architect_migrate.diagnosis.claims import Claims
from architect_migrate.ledger.store import Entry
from architect_migrate.model.revision_graph import Revision, RevisionGraph
from architect_migrate.planning.plan import Plan, RunRevision, Stamp
from architect_migrate.planning.results import Outcome, Receipt, Result, Survey

if TYPE_CHECKING:
    from collections.abc import Iterable

LETTERS = st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Mn"])
WORD = st.text(LETTERS, min_size=1, max_size=12)
NAME = st.text(st.sampled_from("abcxyz0189_-."), min_size=1, max_size=48)
PROSE = st.lists(WORD, min_size=1, max_size=20).map(" ".join)
WIDTH = st.integers(40, 130)
cheap = settings(max_examples=60, deadline=None)


def too_wide(lines: Iterable[str], width: int) -> list[str]:
    """Lines that are wider than the screen and could be broken between words."""
    return [line for line in lines if columns_of(line) > width and len(line.split()) > 1]


@cheap
@given(PROSE, NAME, st.integers(0, 8), WIDTH)
def test_paragraphs_break_between_words_and_lose_none(text: str, name: str, indent: int, width: int) -> None:
    for lines in (
        [*block(text, " " * indent, width, "  ")],
        folded(text, width).split("\n"),
        [*headed(name, text, plain, width)],
    ):
        assert too_wide(lines, width) == []
        assert " ".join(lines).split()[-len(text.split()) :] == text.split()


@cheap
@given(st.lists(st.tuples(NAME, PROSE, WORD, PROSE), min_size=1, max_size=4), WIDTH)
def test_tables_break_no_line_and_lose_no_cell(rows: list[tuple[str, str, str, str]], width: int) -> None:
    cells = [[Cell(text) for text in row] for row in rows]
    headers = ("name", "what it is", "word", "why")
    for make in (table, listing):
        lines = [*make(headers, cells, plain, width)]
        assert too_wide(lines, width) == []
        told = Counter(" ".join(lines).replace(";", " ").split())
        wanted = Counter(word for row in rows for text in row if text != "-" for word in text.replace(";", " ").split())
        assert wanted - told == Counter()


@st.composite
def graphs(draw: st.DrawFn) -> RevisionGraph:
    ids = draw(st.lists(NAME, min_size=1, max_size=5, unique=True))
    parents = [(), *((before,) for before in ids)]
    return RevisionGraph(
        tuple(Revision(name, after, title=draw(PROSE)) for name, after in zip(ids, parents, strict=False))
    )


@st.composite
def results(draw: st.DrawFn, graph: RevisionGraph) -> tuple[Result, ...]:
    names = draw(st.lists(NAME, min_size=1, max_size=4, unique=True))
    return tuple(
        draw(st.builds(partial(_result, graph, name), st.integers(0, len(graph.order)), PROSE)) for name in names
    )


def _result(graph: RevisionGraph, name: str, at: int, detail: str) -> Result:
    """An environment whose first `at` revisions are there, and a run that brought the others."""
    there, left = graph.order[:at], graph.order[at:]
    stamp = there[-1:] or None
    drift = {"breaking": 12 * len(left), "behavioural": at, "cosmetic": 3}
    seen = Survey(True, Claims(stamp=stamp), frozenset(there), left, drift)
    steps = (*map(RunRevision, left), Stamp(graph.order[-1:]))
    plan = Plan(steps, (), (), frozenset(there), frozenset(graph.order))
    receipt = Receipt(there[-1:], left[-1:], (), 12.3, f"/backups/{name}-1.db", 12, 123456, 3, (), (0, 0))
    result = Result(name, f"sqlite:///{name}.db", "reconcile", Outcome.DONE, detail, seen, plan, receipt=receipt)
    return replace(result, warnings=(detail,))


@cheap
@given(st.data(), WIDTH)
def test_reports_fit_the_screen(data: st.DataObject, width: int) -> None:
    graph = data.draw(graphs())
    found = data.draw(results(graph))
    last = {result.environment: "reconcile blocked 2026-11-28 21:10" for result in found}
    texts = [
        status_text(found, graph, last, width=width),
        pending_text(found, graph, width=width),
        summary_text(found, graph, width=width),
        history_text(graph, None, width=width),
        *(plan_text(result, graph, width=width) for result in found),
        "\n".join(titled(graph, graph.order, "  ", width)),
    ]
    assert too_wide((line for text in texts for line in text.split("\n")), width) == []


@cheap
@given(st.lists(st.tuples(NAME, NAME, NAME), min_size=1, max_size=4), WIDTH)
def test_the_log_fits_the_screen(entries: list[tuple[str, str, str]], width: int) -> None:
    shown = [_entry(number, *texts) for number, texts in enumerate(entries, 1)]
    text = log_text(shown, 3, Path(__file__), {}, width=width)
    assert too_wide(text.split("\n"), width) == []


def _entry(number: int, name: str, at: str, to: str) -> Entry:
    backup = f"/backups/{name}-20261128T211027Z-1.db"
    moment = "2026-11-28T21:10:27"
    return Entry(
        name, f"sqlite:///{name}.db", "reconcile", moment, 0.3, "done", (at,), (to,), backup=backup, number=number
    )
