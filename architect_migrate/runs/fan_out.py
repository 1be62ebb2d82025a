"""Runs one service on many environments; a failure on one does not stop the others."""

from __future__ import annotations

import traceback
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.core.errors import ArchmigError, StoppedError, UnexpectedError, WorkerDiedError
from architect_migrate.core.interrupts import FinishedFirst, interruptible, recording_interrupts
from architect_migrate.planning.results import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from architect_migrate.config.context import EnvironmentContext

Value = TypeVar("Value")


def each(
    contexts: Iterable[EnvironmentContext], action: str, service: Callable[[EnvironmentContext], Result], jobs: int = 1
) -> Iterator[Result]:
    """Yield the service's result for every environment in order; an error becomes a FAILED result.

    With several jobs the service runs in processes, because threads would only wait for each other; so it has to be a
    function of a module, or a partial of one. If such a process dies, the environments that it worked on get
    WorkerDiedError.
    """
    waiting = list(contexts)
    yield from _results(waiting, action, attempts(waiting, service, jobs))


def each_apart(
    contexts: Iterable[EnvironmentContext], action: str, service: Callable[[EnvironmentContext], Result]
) -> Iterator[Result]:
    """Yield the results as `each` does, of a new process for each environment.

    Why: an env.py keeps what it has learnt of one database in modules, variables and listeners, which would be taken
    for that of the next.
    """
    waiting = list(contexts)
    yield from _results(waiting, action, _apart(waiting, service))


def _results(
    contexts: list[EnvironmentContext], action: str, values: Iterator[Result | ArchmigError]
) -> Iterator[Result]:
    for context, result in zip(contexts, values, strict=True):
        name, database = context.environment.name, str(context.environment.url)
        if isinstance(result, ArchmigError):
            notes = tuple(getattr(result, "__notes__", ()))
            yield Result(name, database, action, Outcome.FAILED, str(result), error=result, warnings=notes)
        else:
            yield result


def attempts(
    contexts: Iterable[EnvironmentContext], service: Callable[[EnvironmentContext], Value], jobs: int = 1
) -> Iterator[Value | ArchmigError]:
    """Yield what a service returns for every environment, or the error that it raised.

    After a Ctrl-C the remaining environments get StoppedError, and KeyboardInterrupt is raised after the last.
    """
    waiting = list(contexts)
    if jobs > 1 and len(waiting) > 1:
        yield from _in_processes(waiting, service, min(jobs, len(waiting)))
    else:
        yield from _one_by_one(waiting, service)


def _one_by_one(
    contexts: list[EnvironmentContext], service: Callable[[EnvironmentContext], Value]
) -> Iterator[Value | ArchmigError]:
    stopped = False
    for context in contexts:
        name = context.environment.name
        work = partial(_value_or_error, service, context)
        value, stopped = (_not_started(name), True) if stopped else _until_stopped(name, work)
        yield value
    if stopped:
        raise KeyboardInterrupt


def _apart(
    contexts: list[EnvironmentContext], service: Callable[[EnvironmentContext], Value]
) -> Iterator[Value | ArchmigError]:
    stopped = False
    for context in contexts:
        if stopped:
            yield _not_started(context.environment.name)
            continue
        try:
            yield from _in_processes([context], service, 1)
        except KeyboardInterrupt:
            stopped = True
    if stopped:
        raise KeyboardInterrupt


def _in_processes(
    contexts: list[EnvironmentContext], service: Callable[[EnvironmentContext], Value], jobs: int
) -> Iterator[Value | ArchmigError]:
    from architect_migrate.core.process_pool import BrokenProcessPool, in_workers

    def of(name: str, future: Future[Value | ArchmigError]) -> tuple[Value | ArchmigError, bool]:
        try:
            return _until_stopped(name, future.result)
        except BrokenProcessPool:
            return WorkerDiedError(name), False

    values: dict[int, Value | ArchmigError] = {}
    next_at = 0
    with recording_interrupts() as interrupts:
        interrupts.held = True
        for at, future in in_workers(contexts, partial(_in_worker, service), jobs, interrupts):
            name = contexts[at].environment.name
            values[at], stops = of(name, future) if future else (_not_started(name), True)
            interrupts.came = interrupts.came or stops
            while next_at in values:
                interrupts.held = False
                yield values.pop(next_at)
                interrupts.held = True
                next_at += 1
        interrupts.held = False
    interrupts.refuse()


def _in_worker(service: Callable[[EnvironmentContext], Value], context: EnvironmentContext) -> Value | ArchmigError:
    """Run the service in a worker, where a Ctrl-C takes effect only while the service works."""
    with interruptible():
        return _value_or_error(service, context)


def _until_stopped(name: str, work: Callable[[], Value | ArchmigError]) -> tuple[Value | ArchmigError, bool]:
    """The value of `work`, and whether a Ctrl-C stops the remaining environments."""
    try:
        return work(), False
    except FinishedFirst as stop:
        return cast("Value", stop.value), True
    except KeyboardInterrupt:
        return StoppedError(name, "was interrupted"), True


def _not_started(name: str) -> StoppedError:
    return StoppedError(name, "was not started")


def _value_or_error(
    service: Callable[[EnvironmentContext], Value], context: EnvironmentContext
) -> Value | ArchmigError:
    try:
        return service(context)
    except ArchmigError as error:
        error.trace = error.trace or traceback.format_exc()
        return error
    except OSError as error:
        place = str(error.filename or context.environment.url)
        return DatabaseError(place, error.strerror or str(error), "fix this, then run it again")
    except Exception as error:  # noqa: BLE001  (whatever breaks in one environment, the others go on)
        return UnexpectedError(context.environment.name, f"{type(error).__name__}: {error}", traceback.format_exc())
