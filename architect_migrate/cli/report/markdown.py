"""Pieces of Markdown that say what they are given and nothing else, whatever the names in it are made of.

A name may hold whatever SQLite takes: pipes, backticks, line ends, tags, slashes. In a page it is shown, never obeyed.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from architect_migrate.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# What would end a code span or a table's cell, or stand for something else there.
_BREAKING = re.compile(r"[`|\\]")
# Inside a word an underscore, and before a blank a colon, are only themselves.
_SPECIAL = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?! )|[^A-Za-z0-9 .,;()'\"=%+?/_:-]")
_PLAIN_FILE = re.compile(r"[a-z0-9_]{1,60}")
# Names of devices, whatever their ending, to systems on which somebody may check the pages out.
_DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")
_TICKS = re.compile(r"`+")
_READABLE, _DIGITS = 40, 12


def prose(text: str) -> str:
    """Text as text, after other words: what Markdown could take for a sign is written by its number."""
    return _SPECIAL.sub(lambda match: match[0] if match[0].isalnum() else f"&#{ord(match[0])};", clean(text))


def code(text: str) -> str:
    """A name or an expression as code; what no code span can hold in a table is written by its letters' numbers."""
    shown = clean(text)
    if _BREAKING.search(shown):
        return "".join(name if name.isalnum() else f"&#{ord(name)};" for name in shown)
    # A span loses one blank at either end where both ends have one.
    blank = " " if shown.startswith(" ") and shown.endswith(" ") and shown.strip() else ""
    return f"`{blank}{shown or ' '}{blank}`"


def link(text: str, target: str) -> str:
    """A name that leads to a page; the target is a path of `file_names`."""
    return f"[{code(text)}]({target})"


def fenced(language: str, text: str) -> str:
    """Text in a block of its own, exactly as it is, in a fence that nothing in it closes."""
    lines = text.replace("\r\n", "\n").split("\n")
    body = "\n".join("\t".join(map(clean, line.split("\t"))) for line in lines)
    fence = "`" * max(3, *(len(one) + 1 for one in _TICKS.findall(body)), 3)
    return f"{fence}{language}\n{body}\n{fence}"


def grid(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a table; cells are Markdown already. A header that ends in a colon has its column set to the right."""
    yield f"| {' | '.join(header.removesuffix(':') for header in headers)} |"
    yield f"| {' | '.join('---:' if header.endswith(':') else '---' for header in headers)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def file_names(names: Iterable[str]) -> list[str]:
    """A file name without its ending for each name, in their order; no two are alike, in whatever case.

    It is the name itself where every system takes that, else what is readable of it with a digest.
    """
    found: dict[str, None] = {}
    for name in names:
        wanted = stem = _stem(name)
        number = 1
        while stem in found:
            number += 1
            stem = f"{wanted}-{number}"
        found[stem] = None
    return list(found)


def _stem(name: str) -> str:
    if _PLAIN_FILE.fullmatch(name) and not _DEVICES.fullmatch(name):
        return name
    readable = re.sub(r"[^a-z0-9_]+", "-", name.lower())[:_READABLE].strip("-")
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{readable}-{digest}" if readable else digest
