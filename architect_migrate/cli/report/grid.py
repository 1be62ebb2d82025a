"""The grid: environments by revisions, one cell each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import short_names
from architect_migrate.cli.report.layout import Style, columns_of, plain
from architect_migrate.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.model.revision_graph import Outline
    from architect_migrate.planning.results import Result, Survey

# Letters, so that the grid says the same without colours.
_CELLS = {
    "applied": ("a", Style.GOOD, "applied"),
    "missing": ("M", Style.BAD, "missing, though later ones are there"),
    "partial": ("P", Style.BAD, "partly there"),
    "conflicting": ("C", Style.BAD, "there in another shape"),
    "superseded": ("s", Style.DIM, "superseded, nothing of it left to see"),
    "unknown": ("u", Style.SPECIAL, "leaves nothing in the schema to see"),
    "pending": (".", Style.CAUTION, "pending"),
    "unreadable": ("?", Style.BAD, "could not be read"),
}


def words(seen: Survey | None, outline: Outline) -> list[str]:
    """One word for each revision, in chain order: its verdict, or `pending` after the position."""
    if seen is None:
        return ["unreadable"] * len(outline.revisions)
    verdicts = {it.revision.id: it.verdict.value for it in seen.diagnosis.judgements} if seen.diagnosis else {}
    return [verdicts.get(it, "applied") if it in seen.position else "pending" for it in outline.order]


def grid_text(results: tuple[Result, ...], outline: Outline, paint: Paint = plain, width: int = 120) -> str:
    """Environments down, revisions across, in as many bands as the width asks for; the legend below."""
    names = [short_names(outline)[it] for it in outline.order]
    rows = [(clean(it.environment), words(it.survey, outline)) for it in results]
    margin = max([columns_of(name) for name, _ in rows], default=0) + 2
    across = max(width - margin, 10)
    lines: list[str] = []
    for start in range(0, len(names), across):
        lines += _band(names[start : start + across], start, margin, paint)
        for name, its in rows:
            cells = "".join(paint(_CELLS[word][0], _CELLS[word][1]) for word in its[start : start + across])
            lines.append(f"{name}{' ' * (margin - columns_of(name))}{cells}")
        lines.append("")
    return "\n".join([*lines, *_legend({word for _, its in rows for word in its}, paint)])


def _band(names: Sequence[str], start: int, margin: int, paint: Paint) -> Iterator[str]:
    """The revisions' short names standing upright, or their numbers in the chain where they are long."""
    upright = names if all(len(it) <= 4 for it in names) else [f"{n + 1}" for n in range(start, start + len(names))]
    tall = max(map(len, upright), default=0)
    for row in range(tall):
        text = "".join(it.rjust(tall)[row] for it in upright)
        yield (" " * margin + paint(text, Style.DIM)).rstrip()


def _legend(used: set[str], paint: Paint) -> Iterator[str]:
    for word, (letter, style, meaning) in _CELLS.items():
        if word in used:
            yield f"{paint(letter, style)}  {meaning}"
