"""What lint found, as text that editors can follow to the line, and as JSON."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.report.layout import Style, block, plain
from architect_migrate.cli.report.shared import Report
from architect_migrate.core.secrets import mask
from architect_migrate.core.text import clean, count, harmless
from architect_migrate.lint.rules import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from architect_migrate.cli.documents.common import FlawJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.lint.lint import Examined
    from architect_migrate.lint.rules import Flaw

_INDENT = "    "
_LONGEST = 300


def lint_text(examined: Examined, folder: Path, paint: Paint = plain, width: int = 120) -> str:
    """Each flaw with its line, its code, why, and a fix; then how many there are."""
    lines = [line for it in examined.flaws for line in _flaw(it, folder, paint, width)]
    return "\n".join([*lines, _summary(examined)])


def flaw_text(it: Flaw, folder: Path, paint: Paint = plain, width: int = 120) -> str:
    """One flaw."""
    return "\n".join(_flaw(it, folder, paint, width))


def flaw_texts(flaws: Iterable[Flaw], folder: Path, width: int) -> Iterator[str]:
    """Each flaw, uncoloured, to be said beside a result."""
    return (flaw_text(flaw, folder, plain, width).rstrip() for flaw in flaws)


def _flaw(it: Flaw, folder: Path, paint: Paint, width: int) -> Iterator[str]:
    style = Style.BAD if it.grade is Grade.ERROR else Style.CAUTION
    place = clean(f"{_shown(it.file, folder)}:{it.line}")
    yield f"{paint(place, Style.BOLD)}: {paint(it.code, style)} {harmless(it.message)}"
    if it.sql:
        statement = " ".join(mask(it.sql).split())
        cut = statement if len(statement) <= _LONGEST else f"{statement[:_LONGEST]}…"
        for line in block(cut, _INDENT, width):
            yield paint(line, Style.DIM)
    yield from block(f"fix: {it.fix}", _INDENT, width)
    yield ""


def _shown(file: str, folder: Path) -> str:
    """The path from the current folder, where it is below that."""
    return os.path.relpath(file, folder) if file.startswith(f"{folder}{os.sep}") else file


def _summary(examined: Examined) -> str:
    revisions = count(examined.revisions, "revision")
    if not examined.flaws:
        return f"{revisions}, no flaws"
    errors = sum(it.grade is Grade.ERROR for it in examined.flaws)
    warnings = len(examined.flaws) - errors
    parts = [count(errors, "error")] * bool(errors) + [count(warnings, "warning")] * bool(warnings)
    files = count(len({it.file for it in examined.flaws}), "file")
    return f"{revisions}: {' and '.join(parts)} in {files}"


def lint_report(examined: Examined, folder: Path) -> Report:
    """The flaws that were found, their files as they are called from a folder."""
    return Report(
        partial(lint_text, examined, folder),
        more=lambda: {"judged": examined.revisions, "flaws": [flaw_json(flaw) for flaw in examined.flaws]},
    )


def flaw_json(flaw: Flaw) -> FlawJson:
    """A flaw; its statement is shown, and not to be run, so that it holds no secret."""
    return {
        "code": flaw.code,
        "grade": flaw.grade.value,
        "revision": flaw.revision or None,
        "file": flaw.file,
        "line": flaw.line,
        "message": flaw.message,
        "fix": flaw.fix,
        "sql": mask(flaw.sql) or None,
    }
