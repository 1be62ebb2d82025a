"""Profiles revisions: their cost on an empty database, or on a copy of one where they are pending."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.core.errors import UsageError
from architect_migrate.core.interrupts import FinishedFirst
from architect_migrate.databases.costs import Kind
from architect_migrate.databases.registry import access, temporary, watching
from architect_migrate.model.revision_graph import ancestry, position_at
from architect_migrate.planning.plan import AlterObject, RebuildTable, RunRevision, Stamp, headline
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.observe import without_evidence
from architect_migrate.runs.rehearsal.commands import fitting, named, previewed
from architect_migrate.runs.rehearsal.on_copy import on_copy
from architect_migrate.runs.rehearsal.results import Command
from architect_migrate.runs.rehearsal_gate import without_gate

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection, Meter
    from architect_migrate.databases.costs import StepCost
    from architect_migrate.planning.plan import Plan, Step
    from architect_migrate.planning.results import Result
    from architect_migrate.revisions.alembic_runtime import Runner
    from architect_migrate.revisions.replay import Source
    from architect_migrate.runs.contracts import Prepare, Prepared, Progress

# Times the database's size: the copy, its backup, its journal, and tables that are rebuilt.
_TIMES = 4
_LOCK_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Profile:
    """The costs of steps in the order of execution, on a copy of `size` bytes; `result` is the preview.

    On an empty database `size` is 0 and `result` None.
    """

    steps: tuple[StepCost, ...]
    size: int = 0
    result: Result | None = None

    @property
    def seconds(self) -> float:
        """The seconds of all steps together."""
        return sum(step.seconds for step in self.steps)

    @property
    def exit_code(self) -> int:
        """1 if blockers prevented the measurement, else 0."""
        return int(self.result is not None and self.result.outcome is Outcome.BLOCKED)


def profile_chain(source: Source, progress: Progress, target: str | None = None) -> Profile:
    """Run the chain on an empty database, up to `target`. Raises CopyError, and what a revision raises."""
    graph = source.graph
    wanted = position_at(graph, target or "heads")
    revisions = tuple(revision for revision in graph.order if revision in wanted)
    with temporary.private_folder() as folder:
        file = folder / "database.db"
        file.touch(mode=0o600)
        with access.transaction(file, _LOCK_TIMEOUT) as connection:
            return Profile(_run(source, connection, revisions, (watching.meter_of(file), progress)))


def _run(
    source: Source, connection: Connection, revisions: tuple[str, ...], told: tuple[Meter[Connection], Progress]
) -> tuple[StepCost, ...]:
    from architect_migrate.revisions.alembic_runtime import operate

    meter, progress = told
    meter.attach(connection)

    def work(runner: Runner) -> None:
        for number, revision in enumerate(revisions, 1):
            progress(number, len(revisions), revision)
            meter.begin(revision, revision)
            runner.upgrade(revision)
            meter.end()

    operate(source.chain, connection, work)
    return tuple(meter.found)


def profile_pending(context: EnvironmentContext, progress: Progress, target: str | None = None) -> Profile:
    """Execute on a copy what is left to do on an environment: pending revisions, and repairs if it has drifted.

    Raises CopyError, RehearsalFailedError, and what `reading` raises of the original.
    """
    freely = without_gate(context)
    command = fitting(freely, target)
    found = previewed(freely, command, target)
    shown = replace(found, survey=found.survey and without_evidence(found.survey))
    size = access.size(context.environment.url)
    if shown.outcome is not Outcome.PLANNED:
        return Profile((), size, shown)
    if not size:
        return Profile(profile_chain(context.source, progress, target).steps, 0, shown)
    with on_copy(context, _TIMES) as copy, named(context, copy, command):
        again = previewed(copy, command, target)
        assert again.plan is not None
        return Profile(_measured(copy, command, again.plan, progress, target), size, shown)


def _measured(
    copy: EnvironmentContext, command: Command, plan: Plan, progress: Progress, target: str | None
) -> tuple[StepCost, ...]:
    from architect_migrate.runs.execute import execute

    meter = watching.meter_of(copy.environment.url)
    reached = [0]

    def metered(number: int, total: int, words: str) -> None:
        progress(number, total, words)
        if number == reached[0]:
            return
        reached[0] = number
        if number > len(plan.steps):
            meter.end()
        else:
            step = plan.steps[number - 1]
            revision = step.revision if isinstance(step, RunRevision) else ""
            meter.begin(revision or headline(step), revision, _kind(step))

    try:
        execute(copy, "profile", plan, metered, _metered(meter, _making(command, target)))
    except FinishedFirst:
        raise KeyboardInterrupt from None
    return tuple(cost for cost, step in zip(meter.found, plan.steps, strict=True) if not isinstance(step, Stamp))


def _kind(step: Step) -> Kind | None:
    """The kind of work that a step is as a whole; None where its statements tell."""
    rebuilds = isinstance(step, RebuildTable) or (isinstance(step, AlterObject) and step.rewrites)
    return Kind.REBUILD if rebuilds else None


def _making(command: Command, target: str | None) -> Prepare:
    from architect_migrate.runs.native_plan import upgrading
    from architect_migrate.runs.reconcile import reconciling

    return reconciling(target) if command is Command.RECONCILE else upgrading(target)


def _metered(meter: Meter[Connection], make: Prepare) -> Prepare:
    """Plan with `make`, and measure the connection from then on: planning does not count."""

    def prepared(context: EnvironmentContext, connection: Connection) -> Prepared:
        result = make(context, connection)
        meter.attach(connection)
        return result

    return prepared


def only(profile: Profile, source: Source, revision: str, environment: str = "") -> Profile:
    """The profile of one revision. Raises UsageError if it did not run, UnknownRevisionError if there is none."""
    graph = source.graph
    wanted = position_at(graph, revision)
    steps = tuple(
        step for step in profile.steps if step.revision in wanted and ancestry(graph, [step.revision]) == wanted
    )
    if not steps and not profile.exit_code:
        problem = f"{revision} is not among what is left to run on {environment}"
        raise UsageError(problem, "leave --env out: then the chain is measured on an empty database")
    return replace(profile, steps=steps)
