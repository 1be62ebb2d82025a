"""Runs plans and shows progress: a bar on a terminal, a line now and then elsewhere, nothing with --json."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.present import narrating
from architect_migrate.cli.terminal import on_terminal, tell
from architect_migrate.core.secrets import mask
from architect_migrate.core.text import harmless
from architect_migrate.planning.results import Outcome
from architect_migrate.revisions.files import calls_archmig
from architect_migrate.runs.fan_out import each, each_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from architect_migrate.cli.context import Options
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Result

    Progress = Callable[[int, int, str], None]
    Execute = Callable[[EnvironmentContext, Plan, Progress], Result]

# Seconds of silence after which a line is printed to a log.
_SILENCE = 10.0
# Columns of the bar, and of all that stands beside what is being done: spinner, bar, steps, clock.
_BAR = 16
_BESIDE = 40


def running(
    options: Options, contexts: list[EnvironmentContext], planned: Mapping[str, Result], execute: Execute
) -> Iterator[Result]:
    """Execute each environment's plan and yield each result as it is finished."""
    plans = {name: other.plan for name, other in planned.items() if other.plan is not None}
    apart = len(contexts) > 1 and not all(calls_archmig(context.config) for context in contexts)
    alone = (options.jobs == 1 and not apart) or len(contexts) == 1
    with _shown(options, plans, [context.environment.name for context in contexts], alone) as (step_progress, ended):
        service = partial(_one, plans, execute, step_progress if alone else None)
        results = (
            each_apart(contexts, options.command, service)
            if apart
            else each(contexts, options.command, service, options.jobs)
        )
        for result in results:
            ended(result)
            yield result


def _one(
    plans: Mapping[str, Plan], execute: Execute, step_progress: Callable[..., None] | None, context: EnvironmentContext
) -> Result:
    """Execute one environment's plan. Why a function of the module: it is pickled for other processes."""
    name = context.environment.name
    return execute(context, plans[name], partial(step_progress, name) if step_progress else no_progress)


def no_progress(_number: int, _total: int, _headline: str) -> None:
    """Ignore progress, as in a process other than the one that prints."""


@contextmanager
def _shown(
    options: Options, plans: Mapping[str, Plan], names: list[str], alone: bool
) -> Iterator[tuple[Callable[[str, int, int, str], None], Callable[[Result], None]]]:
    """Show progress with two functions: one is called for each step, one for each finished environment."""
    if not narrating(options):
        yield (lambda *_: None), (lambda _: None)
    elif not _animated():
        yield _now_and_then(), (lambda result: tell(_ended(result)))
    else:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        # Why a spinner and a clock: one step can take minutes, and they move while SQLite works.
        steps = TextColumn("{task.description}"), BarColumn(bar_width=_BAR), MofNCompleteColumn()
        columns = SpinnerColumn(), *steps, TimeElapsedColumn()
        console = Console(stderr=True)
        room = max(console.width - _BESIDE, _BAR)
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(_begins(names, 0), total=sum(len(plans[name].steps) for name in names) or None)
            before = {name: sum(len(plans[name].steps) for name in names[:at]) for at, name in enumerate(names)}

            def step(name: str, number: int, _total: int, headline: str) -> None:
                done = before[name] + max(number - 1, 0)
                bar.update(task, completed=done, description=escape(mask(f"{name}: {headline}")[:room]))

            def ended(result: Result) -> None:
                done, after = len(plans[result.environment].steps), names.index(result.environment) + 1
                bar.update(task, completed=before[result.environment] + done, description=escape(_begins(names, after)))
                bar.console.print(_ended(result), markup=False, highlight=False)

            yield (step if alone else lambda *_: None), ended


@contextmanager
def sign_of_life(name: str) -> Iterator[Progress]:
    """Show on a terminal what is being done to a copy; nothing elsewhere, nor in a worker process."""
    from multiprocessing import parent_process

    if not _animated() or parent_process() is not None:
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    with console.status(escape(f"{name}: copying")) as line:
        yield lambda _number, _total, words: line.update(escape(mask(f"{name}: {words}")[:80]))


def _animated() -> bool:
    """Whether stderr is a terminal that can redraw a line."""
    return on_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"


def _now_and_then() -> Callable[[str, int, int, str], None]:
    """Print a line for a step that comes after a long silence; most runs end before the first."""
    last = time.monotonic()

    def step(name: str, number: int, total: int, headline: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _SILENCE:
            last = time.monotonic()
            tell(f"{name}: {f'step {number} of {total}: ' if 1 <= number <= total else ''}{headline}")

    return step


def _ended(result: Result) -> str:
    """An environment's outcome on one line. The reason for a failure is printed once, after the last environment."""
    said = f"{result.environment}: {result.outcome.value}"
    return harmless(said if result.outcome is Outcome.FAILED else f"{said}: {result.detail}")


def _begins(names: list[str], at: int) -> str:
    """The description before an environment's first step."""
    return f"{names[at]}: backing up" if at < len(names) else ""
