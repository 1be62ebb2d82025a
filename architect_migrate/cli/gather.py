"""Calls a service for each environment and prints failures on stderr."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from architect_migrate.cli.report.shared import said_once
from architect_migrate.cli.terminal import tell
from architect_migrate.core.errors import ArchmigError, StoppedError
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.fan_out import attempts, each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from architect_migrate.cli.context import Options
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.results import Result

Value = TypeVar("Value")


def surveyed(
    contexts: Iterable[EnvironmentContext], options: Options, service: Callable[[EnvironmentContext], Result]
) -> tuple[Result, ...]:
    """The service's results; failures are printed on stderr.

    With --json each has the warnings about its entries, which `selection` has printed on stderr once.
    """
    asked = tuple(contexts)
    results = tuple(each(asked, options.command, service, options.jobs))
    if options.as_json and any(context.misspelt for context in asked):
        results = tuple(
            replace(result, warnings=(*result.warnings, *context.misspelt))
            for context, result in zip(asked, results, strict=True)
        )
    print_failures(results, options)
    return results


def print_failures(results: Iterable[Result], options: Options) -> None:
    """Print on stderr which environments failed, and why."""
    failed = [result for result in results if result.outcome is Outcome.FAILED]
    if failed:
        from architect_migrate.cli.report.outcome import failure_lines

        for line in failure_lines(failed, debug=options.debug):
            tell(line)


def could_read(results: Iterable[Result]) -> int:
    """Return 2 where an environment could not be read, else 0."""
    return 2 if any(result.outcome is Outcome.FAILED for result in results) else 0


def tried(
    contexts: Sequence[EnvironmentContext], service: Callable[[EnvironmentContext], Value], jobs: int = 1
) -> list[Value | ArchmigError]:
    """The service's value for each environment, or its error, which is printed on stderr after the last one."""
    found = list(attempts(contexts, service, jobs))
    failed = zip(contexts, found, strict=True)
    for line in said_once((one.environment.name, str(e)) for one, e in failed if isinstance(e, ArchmigError)):
        tell(line)
    return found


def tried_until_stopped(
    contexts: Sequence[EnvironmentContext], service: Callable[[EnvironmentContext], Value], jobs: int
) -> list[Value | ArchmigError]:
    """Like `tried`, but errors are printed as they happen, and after a Ctrl-C the rest are StoppedError."""
    found: list[Value | ArchmigError] = []
    with suppress(KeyboardInterrupt):
        for context, value in zip(contexts, attempts(contexts, service, jobs), strict=True):
            _complain_of(context, value)
            found.append(value)
    return found


def worst(found: Iterable[Value | ArchmigError], code: Callable[[Value], int] = lambda _: 0) -> int:
    """The exit code: 130 after a Ctrl-C, 2 after any error, else the highest code of the values."""
    codes = [_code_of(value) if isinstance(value, ArchmigError) else code(value) for value in found]
    return max(codes, default=0)


def _code_of(error: ArchmigError) -> int:
    return 130 if isinstance(error, StoppedError) else 2


def _complain_of(context: EnvironmentContext, value: object) -> None:
    if isinstance(value, ArchmigError):
        for line in said_once([(context.environment.name, str(value))]):
            tell(line)
