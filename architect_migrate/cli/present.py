"""Writes a command's result, as text or as the JSON document that docs/json.md describes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.cli.report.layout import plain
from architect_migrate.cli.report.shared import VERSION, Report, problem_json
from architect_migrate.cli.terminal import flush, paint, say, tell, width, write
from architect_migrate.core.secrets import mask
from architect_migrate.core.text import escaped_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.cli.context import Options
    from architect_migrate.cli.report.layout import Paint

# SQL and files that are run as they are.
_VERBATIM = frozenset({"sql", "text", "upgrade", "downgrade"})


def present(options: Options, code: int, report: Report) -> int:
    """Write the report as text, or as JSON with --json, and return the exit code. Raises OutputError."""
    if options.as_json:
        write(_document(options, code, report))
    else:
        if text := report.text(paint(), width()):
            write(text)
        for line in report.notes():
            tell(line)
    flush()
    return code


def present_failure(options: Options, error: Exception) -> int:
    """Write the document of a command that failed; as text, the message on stderr is enough."""
    failure = Report(text=lambda *_: "", more=lambda: {"error": problem_json(error)})
    return present(options, 2, failure)


def narrating(options: Options) -> bool:
    """Whether progress and previews are printed on stderr; with --json only errors are."""
    return not options.as_json


def narrate(options: Options, *texts: Callable[[Paint, int], str]) -> None:
    """Print on stderr what comes before the result, uncoloured."""
    if narrating(options):
        for text in texts:
            say(text(plain, width()))


def _document(options: Options, code: int, report: Report) -> str:
    from json import dumps

    envelope = {"version": VERSION, "command": options.command, "exit_code": code}
    warnings = {"warnings": [*options.told]} if options.told else {}
    whole = {**envelope, **warnings, **report.more(), "environments": [*report.environments()]}
    return escaped_json(dumps(_masked(whole), indent=2, ensure_ascii=False))


def _masked(value: object, key: str = "") -> object:
    """The same value with secrets of URLs masked, except in SQL and files that are run as they are."""
    if isinstance(value, str):
        return value if key in _VERBATIM else mask(value)
    if isinstance(value, dict):
        return {name: _masked(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, key) for inner in value]
    return value
