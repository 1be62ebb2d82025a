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
_BELOW = "  "
_BETWEEN = "; "
# Columns that prose needs to be readable.
_PROSE = 28
_LEAST = 20


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
    """Lines of a table, none wider than `width` and no cell broken.

    A column in which nothing stands is left out. A column that does not fit stands below each row, with its header.
    """
    cells, columns = _filled(headers, rows)
    beside, below = _parted(headers, cells, columns, width)
    sizes = _sizes(headers, cells, beside)
    yield _line([Cell(headers[n], Style.BOLD) for n in beside], sizes, paint)
    for row in cells:
        *above, name = wrapped(row[0].text, width)
        yield from (paint(line, row[0].style) for line in above)
        yield _line([Cell(name, row[0].style), *(row[n] for n in beside[1:])], sizes, paint)
        yield from _packed([(headers[n], row[n]) for n in below if not _is_empty(row[n])], paint, width)


def listing(headers: Sequence[str], rows: Iterable[Sequence[Cell]], paint: Paint, width: int) -> Iterator[str]:
    """The same with a last column of prose, which continues on lines below, between words."""
    cells, columns = _filled(headers, rows)
    if len(headers) - 1 not in columns:
        yield from table(headers, cells, paint, width)
        return
    beside, below = _parted(headers, cells, columns[:-1], width)
    sizes = _sizes(headers, cells, beside)
    margin = sum(sizes) + len(_GAP) * len(sizes)
    if width - margin < _PROSE:
        margin = 0
    titles = [headers[n] for n in beside] + [headers[-1]] * bool(margin)
    yield _line([Cell(title, Style.BOLD) for title in titles], [*sizes, 0], paint)
    for row in cells:
        text = wrapped(row[-1].text, width - (margin or len(_BELOW)))
        first = [Cell(text.pop(0), row[-1].style)] if margin else []
        yield _line([*(row[n] for n in beside), *first], [*sizes, 0], paint)
        yield from (f"{' ' * margin or _BELOW}{paint(line, row[-1].style)}" for line in text if line)
        yield from _packed([(headers[n], row[n]) for n in below if not _is_empty(row[n])], paint, width)


def _filled(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> tuple[list[tuple[Cell, ...]], list[int]]:
    """The cells, harmless, and the columns in which anything stands; the first is always there."""
    cells = [tuple(Cell(clean(cell.text), cell.style) for cell in row) for row in rows]
    filled = [n for n in range(len(headers)) if not n or not cells or not all(_is_empty(row[n]) for row in cells)]
    return cells, filled


def _is_empty(cell: Cell) -> bool:
    return cell.text in {"", "-"}


def _parted(
    headers: Sequence[str], cells: list[tuple[Cell, ...]], columns: Sequence[int], width: int
) -> tuple[list[int], list[int]]:
    """The columns that fit beside each other, and those that are left for the lines below."""
    beside: list[int] = []
    room = width
    for n in columns:
        (size,) = _sizes(headers, cells, [n])
        if not beside or size <= room:
            beside.append(n)
            room -= size + len(_GAP)
    return beside, [n for n in columns if n not in beside]


def _sizes(headers: Sequence[str], cells: list[tuple[Cell, ...]], columns: Sequence[int]) -> list[int]:
    return [max([len(headers[n]), *(columns_of(row[n].text) for row in cells)]) for n in columns]


def _line(cells: Sequence[Cell], sizes: Sequence[int], paint: Paint) -> str:
    parts = []
    for cell, size in zip(cells, sizes, strict=False):
        parts.append(paint(cell.text, cell.style) + " " * (size - columns_of(cell.text)))
    return _GAP.join(parts).rstrip()


def _packed(named: Sequence[tuple[str, Cell]], paint: Paint, width: int) -> Iterator[str]:
    """Cells by their headers, as many on a line as fit; one that is wider than a line breaks between words."""
    line, used = "", 0
    for header, cell in named:
        text = f"{header} {cell.text}".strip()
        if line and used + len(_BETWEEN) + columns_of(text) + len(_BETWEEN.rstrip()) > width:
            yield line + _BETWEEN.rstrip()
            line = ""
        if line:
            line, used = f"{line}{_BETWEEN}{paint(text, cell.style)}", used + len(_BETWEEN) + columns_of(text)
            continue
        *whole, last = wrapped(text, width - len(_BELOW) - len(_BETWEEN.rstrip()))
        yield from (f"{_BELOW}{paint(one, cell.style)}" for one in whole)
        line, used = f"{_BELOW}{paint(last, cell.style)}", len(_BELOW) + columns_of(last)
    if line:
        yield line


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, broken between words; a longer word stays whole."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and columns_of(lines[-1]) + 1 + columns_of(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def block(text: str, indent: str, width: int, hanging: str = "") -> Iterator[str]:
    """A long text as indented lines; those after the first are indented by `hanging` more."""
    first, *rest = wrapped(clean(text), max(width - len(indent) - len(hanging), _LEAST))
    yield f"{indent}{first}"
    yield from (f"{indent}{hanging}{line}" for line in rest)


def headed(name: str, text: str, paint: Paint, width: int, style: Style = Style.PLAIN) -> Iterator[str]:
    """A paragraph that begins with a name, which stands out."""
    first, *rest = block(f"{name}: {text}", "", width, _BELOW)
    shown = clean(name)
    if first.startswith(f"{shown}:"):
        yield f"{paint(shown, Style.BOLD)}: {paint(first.removeprefix(f'{shown}:').lstrip(), style)}"
    else:
        yield first
    yield from (f"{_BELOW}{paint(line.removeprefix(_BELOW), style)}" for line in rest)


def folded(text: str, width: int) -> str:
    """A text's lines, those that are too wide broken between words, and what follows indented by two more."""
    return "\n".join(piece for line in text.split("\n") for piece in _folded(line, width))


def _folded(line: str, width: int) -> Iterator[str]:
    if columns_of(line) <= width:
        yield line
        return
    words = line.lstrip(" ")
    yield from block(words, " " * (len(line) - len(words)), width, _BELOW)


def shortened(words: Sequence[str], most: int) -> str:
    """A shortlist of at most `most` parts, of which the count of the others is one."""
    return shortlist(words, most if len(words) <= most else most - 1)
