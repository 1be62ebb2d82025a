"""Text as archmig shows it: styled pieces, tables in columns, and nothing in them that a terminal would obey."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from architect_migrate.core.text import clean, shortlist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Paint = Callable[[str, "Style"], str]

_GAP = "  "


class Style(Enum):
    """What a piece of text means; the value is the ANSI code that shows it."""

    PLAIN = ""
    BOLD = "1"
    DIM = "2"
    GOOD = "32"
    CAUTION = "33"
    BAD = "31"
    SPECIAL = "36"


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text and what it means."""

    text: str
    style: Style = Style.PLAIN


def plain(text: str, _style: Style) -> str:
    """The text alone."""
    return text


def ansi(text: str, style: Style) -> str:
    """The text in its style's colour."""
    return f"\x1b[{style.value}m{text}\x1b[0m" if style.value and text else text


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1 for character in text)


def table(headers: Sequence[str], rows: Iterable[Sequence[Cell]], paint: Paint, width: int) -> Iterator[str]:
    """Lines of a table; where it is wider than `width`, its widest columns continue on lines below."""
    cells = [tuple(Cell(clean(cell.text), cell.style) for cell in row) for row in rows]
    sizes = _sizes(headers, cells, width)
    yield _line([Cell(header, Style.BOLD) for header in headers], sizes, paint)
    for row in cells:
        pieces = [wrapped(cell.text, size) for cell, size in zip(row, sizes, strict=True)]
        for number in range(max(map(len, pieces), default=0)):
            line = [
                Cell(one[number] if number < len(one) else "", cell.style)
                for one, cell in zip(pieces, row, strict=True)
            ]
            yield _line(line, sizes, paint)


def _sizes(headers: Sequence[str], rows: list[tuple[Cell, ...]], width: int) -> list[int]:
    texts = [[columns_of(row[n].text) for row in rows] for n in range(len(headers))]
    sizes = [max([len(header), *one]) for header, one in zip(headers, texts, strict=True)]
    least = [max(len(header), 12) for header in headers]
    while sum(sizes) + len(_GAP) * (len(sizes) - 1) > width:
        at = max(range(len(sizes)), key=lambda n: sizes[n] - least[n])
        if sizes[at] <= least[at]:
            break
        sizes[at] -= 1
    return sizes


def _line(cells: Sequence[Cell], sizes: Sequence[int], paint: Paint) -> str:
    parts = []
    for cell, size in zip(cells, sizes, strict=True):
        parts.append(paint(cell.text, cell.style) + " " * (size - columns_of(cell.text)))
    return _GAP.join(parts).rstrip()


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, broken at spaces where there are any."""
    if columns_of(text) <= width:
        return [text]
    from textwrap import wrap

    return wrap(text, width, break_on_hyphens=False) or [""]


def block(text: str, indent: str, width: int) -> Iterator[str]:
    """A long text as indented lines."""
    for line in wrapped(clean(text), max(width - len(indent), 30)):
        yield f"{indent}{line}"


def shortened(words: Sequence[str], most: int) -> str:
    """A shortlist of at most `most` parts, of which the count of the others is one."""
    return shortlist(words, most if len(words) <= most else most - 1)
