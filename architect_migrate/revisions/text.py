"""SQL statements as the Python text of a revision, each to the letter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDTH = 120
# Colons and what hangs on them, as SQLAlchemy's text() reads them, which op.execute() makes of a string; among them
# may be what it takes for a parameter or for an escaped colon.
_COLONS = re.compile(r"(?:\\?:[\w$]*)+")
_PARAMETER = re.compile(r":\w|\\:")


def executed(statements: Iterable[str]) -> str:
    """Calls of op.execute() as the body of a function, one for each statement; the first line has no indent."""
    return "\n    ".join(_call(literal(escaped(it))) for it in statements)


def _call(text: str) -> str:
    line = f"op.execute({text})"
    if "\n" not in text and len(line) + 4 <= _WIDTH:
        return line
    return f"op.execute(\n        {text}\n    )"


def escaped(sql: str) -> str:
    r"""The statement as op.execute() takes it to mean just that: with `\:` for a colon where one could be mistaken."""
    return _COLONS.sub(lambda run: run[0].replace(":", "\\:") if _PARAMETER.search(run[0]) else run[0], sql)


def literal(text: str) -> str:
    """A text as a Python literal: as it reads where that can be, in triple quotes where it has lines."""
    readable = all(it.isprintable() or it in "\n\t" for it in text)
    raw = "r" if "\\" in text else ""
    if not readable or '"""' in text:
        return repr(text)
    if "\n" in text:
        return f'{raw}"""\n{text}\n"""'
    mark = '"' if '"' not in text else "'"
    if mark in text or text.endswith("\\"):
        return f'{raw}"""\n{text}\n"""'
    return f"{raw}{mark}{text}{mark}"


def docstring(title: str) -> str:
    """A title as it stands in a docstring of three double quotes."""
    return title.replace("\\", "\\\\").replace('"', '\\"')
