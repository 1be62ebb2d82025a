"""What lint found, as text that editors can follow to the line, and as JSON."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from architect_migrate.cli.report.layout import Style, block, plain
from architect_migrate.core.text import clean, count, harmless
from architect_migrate.core.urls import mask
from architect_migrate.lint.rules import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


def lint_json(examined: Examined, exit_code: int) -> str:
    """The document of `archmig lint --json`."""
    from architect_migrate.cli.report.documents import document

    flaws = [flaw_json(it) for it in examined.flaws]
    return document("lint", exit_code, (), judged=examined.revisions, flaws=flaws)


def flaw_json(it: Flaw) -> dict[str, object]:
    """One flaw."""
    return {
        "code": it.code,
        "grade": it.grade.value,
        "revision": it.revision or None,
        "file": it.file,
        "line": it.line,
        "message": mask(it.message),
        "fix": it.fix,
        "sql": mask(it.sql) or None,
    }
