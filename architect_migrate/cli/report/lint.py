"""What lint found, as text that editors can follow to the line, and as JSON."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.report.layout import Style, block, plain
from architect_migrate.cli.report.shared import Report
from architect_migrate.core.secrets import mask
from architect_migrate.core.text import clean, harmless, pluralize
from architect_migrate.lint.rules import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from architect_migrate.cli.documents.common import FlawJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.lint.lint import LintResult
    from architect_migrate.lint.rules import Violation

_INDENT = "    "
_LONGEST = 300


def lint_text(examined: LintResult, folder: Path, paint: Paint = plain, width: int = 120) -> str:
    """Each flaw with its line, its code, why, and a fix; then how many there are."""
    lines = [line for violation in examined.violations for line in _violation(violation, folder, paint, width)]
    return "\n".join([*lines, lint_summary(examined)])


def violation_text(violation: Violation, folder: Path, paint: Paint = plain, width: int = 120) -> str:
    """One flaw."""
    return "\n".join(_violation(violation, folder, paint, width))


def violation_texts(violations: Iterable[Violation], folder: Path, width: int) -> Iterator[str]:
    """Each flaw, uncoloured, to be said beside a result."""
    return (violation_text(violation, folder, plain, width).rstrip() for violation in violations)


def _violation(violation: Violation, folder: Path, paint: Paint, width: int) -> Iterator[str]:
    style = Style.BAD if violation.level is Level.ERROR else Style.CAUTION
    place = clean(f"{_shown(violation.file, folder)}:{violation.line}")
    yield f"{paint(place, Style.BOLD)}: {paint(violation.code, style)} {harmless(violation.message)}"
    if violation.sql:
        statement = " ".join(mask(violation.sql).split())
        cut = statement if len(statement) <= _LONGEST else f"{statement[:_LONGEST]}…"
        for line in block(cut, _INDENT, width):
            yield paint(line, Style.DIM)
    yield from block(f"fix: {violation.fix}", _INDENT, width)
    yield ""


def _shown(file: str, folder: Path) -> str:
    """The path from the current folder, where it is below that."""
    return os.path.relpath(file, folder) if file.startswith(f"{folder}{os.sep}") else file


def lint_summary(examined: LintResult) -> str:
    """How many revisions were checked, and how many flaws they have."""
    revisions = pluralize(examined.revisions, "revision")
    if examined.only_upgraded:
        revisions += " (of which only upgrade() was tried, on empty tables)"
    if not examined.violations:
        return f"{revisions}, no flaws"
    errors = sum(violation.level is Level.ERROR for violation in examined.violations)
    warnings = len(examined.violations) - errors
    parts = [pluralize(errors, "error")] * bool(errors) + [pluralize(warnings, "warning")] * bool(warnings)
    files = pluralize(len({violation.file for violation in examined.violations}), "file")
    return f"{revisions}: {' and '.join(parts)} in {files}"


def lint_report(examined: LintResult, folder: Path) -> Report:
    """The flaws that were found, their files as they are called from a folder."""
    return Report(
        partial(lint_text, examined, folder),
        more=lambda: {
            "judged": examined.revisions,
            "only_upgraded": examined.only_upgraded,
            "flaws": [violation_json(violation) for violation in examined.violations],
        },
    )


def violation_json(violation: Violation) -> FlawJson:
    """A flaw; its statement is shown, and not to be run, so that it holds no secret."""
    return {
        "code": violation.code,
        "grade": violation.level.value,
        "revision": violation.revision or None,
        "file": violation.file,
        "line": violation.line,
        "message": violation.message,
        "fix": violation.fix,
        "sql": mask(violation.sql) or None,
    }
