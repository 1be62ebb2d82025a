"""One service over many environments: the failure of one never stops the others."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from architect_migrate.errors import ArchmigError, UnexpectedError
from architect_migrate.results import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from architect_migrate.setting import Setting


def each(
    settings: Iterable[Setting], action: str, service: Callable[[Setting], Result], jobs: int = 1
) -> Iterator[Result]:
    """The service's result for every environment, in order, as each is finished; what it raises becomes FAILED.

    With several jobs the service runs in processes of their own (threads would only wait for each other), so it has
    to be a function of a module, or a partial of one.
    """
    waiting = list(settings)
    if jobs > 1 and len(waiting) > 1:
        yield from _in_processes(waiting, action, service, min(jobs, len(waiting)))
    else:
        yield from (_guarded(action, service, it) for it in waiting)


def _in_processes(
    settings: list[Setting], action: str, service: Callable[[Setting], Result], jobs: int
) -> Iterator[Result]:
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(partial(_guarded, action, service), settings)


def _guarded(action: str, service: Callable[[Setting], Result], setting: Setting) -> Result:
    name, database = setting.environment.name, str(setting.environment.url)
    try:
        return service(setting)
    except ArchmigError as error:
        return Result(name, database, action, Outcome.FAILED, str(error), error=error)
    except Exception as error:  # noqa: BLE001  (whatever breaks in one environment, the others go on)
        unexpected = UnexpectedError(name, f"{type(error).__name__}: {error}", traceback.format_exc())
        return Result(name, database, action, Outcome.FAILED, str(unexpected), error=unexpected)
