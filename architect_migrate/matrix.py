"""One service over many environments: the failure of one never stops the others."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, TypeVar

from architect_migrate.errors import ArchmigError, UnexpectedError
from architect_migrate.results import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from architect_migrate.setting import Setting

Value = TypeVar("Value")


def each(
    settings: Iterable[Setting], action: str, service: Callable[[Setting], Result], jobs: int = 1
) -> Iterator[Result]:
    """The service's result for every environment, in order, as each is finished; what it raises becomes FAILED.

    With several jobs the service runs in processes of their own (threads would only wait for each other), so it has
    to be a function of a module, or a partial of one.
    """
    waiting = list(settings)
    for setting, found in zip(waiting, attempts(waiting, service, jobs), strict=True):
        name, database = setting.environment.name, str(setting.environment.url)
        if isinstance(found, ArchmigError):
            yield Result(name, database, action, Outcome.FAILED, str(found), error=found)
        else:
            yield found


def attempts(
    settings: Iterable[Setting], service: Callable[[Setting], Value], jobs: int = 1
) -> Iterator[Value | ArchmigError]:
    """The same of a service that gives anything: its value for every environment, or what it raised."""
    waiting = list(settings)
    if jobs > 1 and len(waiting) > 1:
        yield from _in_processes(waiting, service, min(jobs, len(waiting)))
    else:
        yield from (_guarded(service, it) for it in waiting)


def _in_processes(
    settings: list[Setting], service: Callable[[Setting], Value], jobs: int
) -> Iterator[Value | ArchmigError]:
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(partial(_guarded, service), settings)


def _guarded(service: Callable[[Setting], Value], setting: Setting) -> Value | ArchmigError:
    try:
        return service(setting)
    except ArchmigError as error:
        return error
    except Exception as error:  # noqa: BLE001  (whatever breaks in one environment, the others go on)
        return UnexpectedError(setting.environment.name, f"{type(error).__name__}: {error}", traceback.format_exc())
