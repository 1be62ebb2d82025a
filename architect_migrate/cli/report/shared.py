"""What reports share: the report itself, an environment's name and error, findings, and sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from architect_migrate.core.text import harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from architect_migrate.cli.documents.common import EnvironmentJson, FailedJson, FindingJson, ProblemJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.diagnosis.findings import Finding

VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Report:
    """A command's result as text and as JSON; only the form that was asked for is made.

    `text` takes how to paint and the columns of the screen; an empty one writes nothing. `notes` are lines for stderr
    beside it. `environments` and `more` are what the document holds beside its envelope.
    """

    text: Callable[[Paint, int], str]
    environments: Callable[[], Iterable[Mapping[str, object]]] = tuple
    more: Callable[[], Mapping[str, object]] = dict
    notes: Callable[[], Iterable[str]] = tuple


def complaint(message: str) -> str:
    """A line that says what went wrong, without its secrets."""
    return f"archmig: {harmless(message)}"


def said_once(messages: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Lines for messages about environments; one that is the same for several is said once, with their names."""
    names: dict[str, list[str]] = {}
    for name, message in messages:
        names.setdefault(message.removeprefix(f"{name}: "), []).append(name)
    yield from (complaint(f"{', '.join(its)}: {message}") for message, its in names.items())


def problem_json(error: Exception) -> ProblemJson:
    """An error, by archmig's name for it and its message."""
    return {"type": type(error).__name__, "message": str(error)}


def environment_json(name: str, database: object, error: Exception | None = None) -> EnvironmentJson:
    """What every environment's object begins with."""
    return {"name": name, "database": str(database), "error": problem_json(error) if error else None}


def failed_json(context: EnvironmentContext, error: Exception) -> FailedJson:
    """An environment of which nothing could be found out."""
    environment = context.environment
    return {"name": environment.name, "database": str(environment.url), "error": problem_json(error)}


def environments_json(
    contexts: Sequence[EnvironmentContext], found: Sequence[object], told: Callable[..., Mapping[str, object]]
) -> list[Mapping[str, object]]:
    """Each environment as `told(context, value)` has it, those that failed with their error alone."""
    return [
        failed_json(context, value) if isinstance(value, Exception) else told(context, value)
        for context, value in zip(contexts, found, strict=True)
    ]


def finding_json(finding: Finding) -> FindingJson:
    """A finding with what to do about it."""
    return {
        "level": finding.level.value,
        "code": finding.code,
        "subject": finding.subject,
        "found": finding.found,
        "advice": finding.advice or None,
        "revision": finding.revision or None,
        "resolve": finding.entry or None,
    }


def size_text(size: int) -> str:
    """A number of bytes as people say it."""
    return f"{size / 1e6:,.1f} MB" if size >= 1_000_000 else f"{size / 1e3:,.0f} kB"
