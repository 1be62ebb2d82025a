"""Rehearses: executes on a private copy the plan that a command would execute; the original is only read."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import RehearsalFailedError
from architect_migrate.core.errors import UsageError
from architect_migrate.core.names import fold
from architect_migrate.databases.registry import access, keeper, reader
from architect_migrate.ledger.recorder import enter
from architect_migrate.ledger.without_values import without_values
from architect_migrate.model.choices import Uninitialised
from architect_migrate.model.diff import diff, explain
from architect_migrate.model.revision_graph import heads
from architect_migrate.model.schema import Schema
from architect_migrate.planning.plan import RunDowngrade, RunRevision, Stamp, headline, plan_digest
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.observe import without_evidence
from architect_migrate.runs.preview import blank
from architect_migrate.runs.rehearsal.commands import carried_out, fitting, named, previewed, refuse_target
from architect_migrate.runs.rehearsal.on_copy import on_copy
from architect_migrate.runs.rehearsal.results import Command, Rehearsal, Roundtrip, Timing, Way
from architect_migrate.runs.rehearsal_gate import ACTION, schema_now, without_gate

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.values import TableDelta
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Loss, Receipt, Result
    from architect_migrate.runs.contracts import Progress


# Times the database's size: the copy, its backup, its journal, and rebuilt tables; each way back and forth takes a
# backup of its own.
_TIMES = {Way.THERE: 4, Way.THERE_AND_BACK: 6}


@dataclass(slots=True)
class _Watch:
    """Records when each part of a run begins, and passes the progress on."""

    progress: Progress
    began: float = field(default_factory=time.perf_counter)
    marks: list[tuple[int, str, float]] = field(default_factory=list)

    def step(self, number: int, total: int, words: str) -> None:
        """Record the step if it is a new one."""
        if not self.marks or self.marks[-1][0] != number:
            self.marks.append((number, words, time.perf_counter()))
        self.progress(number, total, words)

    def timings(self, steps: int) -> tuple[Timing, ...]:
        """The time that each part took until now."""
        ends = [*(began for _, _, began in self.marks), time.perf_counter()]
        timings = [Timing("planning and checking", ends[0] - self.began)]
        for (number, words, began), end in zip(self.marks, ends[1:], strict=True):
            last = number > steps
            what, at = ("proving and committing", 0) if last else (words, number)
            # Why by the number: what comes before the first step is the backup (see `execute`).
            timings.append(Timing(what, end - began, at, backs_up=number == 0))
        return tuple(timings)


def rehearse(
    context: EnvironmentContext,
    progress: Progress,
    command: Command | None = None,
    target: str | None = None,
    way: Way = Way.THERE,
) -> Rehearsal:
    """Execute on a copy what `command` would do, and record it in the ledger.

    Without a command `fitting` chooses one. Errors of the command itself are in the result (FAILED). Raises CopyError,
    what `reading` raises of the original, and UsageError for a target that the command does not take.
    """
    if command is not None:
        refuse_target(command, target)
    return try_out(context, progress, command, target, way)


def try_out(
    context: EnvironmentContext, progress: Progress, command: Command | None, target: str | None, way: Way = Way.THERE
) -> Rehearsal:
    """Rehearse without checking the target: a downgrade can lead to the environment's own heads.

    Raises CopyError, and as `reading`.
    """
    started = time.time()
    freely = without_gate(context)
    chosen = command or fitting(freely, target)
    shown = previewed(freely, chosen, target)
    if shown.outcome is not Outcome.PLANNED:
        # Why no copy: there is no plan to execute.
        size = _size(context)
        rehearsal = Rehearsal(chosen, _of(context, shown), size_before=size, size_after=size)
        return _entered(context, rehearsal, schema_now(context), started)
    with on_copy(context, _TIMES[way]) as copy:
        schema = schema_now(copy)
        rehearsal = _tried(context, copy, chosen, target, way=way, progress=progress)
    waiting = access.openers(context.environment.url)
    return _entered(context, replace(rehearsal, seconds=time.time() - started, openers=waiting), schema, started)


def _tried(
    context: EnvironmentContext,
    copy: EnvironmentContext,
    command: Command,
    target: str | None,
    *,
    way: Way,
    progress: Progress,
) -> Rehearsal:
    """The rehearsal on the stand-in `copy`."""
    watch, size, shown = _Watch(progress), _size(copy), None
    try:
        with named(context, copy, command):
            shown = previewed(copy, command, target)
            if shown.outcome is not Outcome.PLANNED or shown.plan is None:
                return Rehearsal(command, _of(context, shown), size_before=size, size_after=size)
            before = schema_of(copy) if way is Way.THERE_AND_BACK else None
            watch.began = time.perf_counter()
            done = carried_out(copy, command, shown.plan, watch.step, target)
    except RehearsalFailedError as error:
        steps = len(shown.plan.steps) if shown and shown.plan else 0
        failed = replace(_of(context, shown or _blank(context)), outcome=Outcome.FAILED, detail=str(error), error=error)
        return Rehearsal(command, failed, watch.timings(steps), size_before=size, size_after=size)
    assert done.receipt is not None
    result = replace(_of(context, done), losses=shown.losses, warnings=(*done.warnings, *shown.warnings))
    rehearsal = Rehearsal(
        command,
        replace(result, receipt=replace(done.receipt, backup="")),
        watch.timings(len(shown.plan.steps)),
        done.receipt.seconds,
        size,
        _size(copy),
        Path(done.receipt.backup).stat().st_size if done.receipt.backup else 0,
        _changes(copy, done.receipt),
    )
    if way is Way.THERE:
        return rehearsal
    progress(0, 0, "back and up again")
    return replace(rehearsal, roundtrip=there_and_back(context, copy, command, shown.plan, before))


def _of(context: EnvironmentContext, result: Result) -> Result:
    """The copy's result as one of the original environment."""
    seen = result.survey and without_evidence(result.survey)
    return replace(result, database=str(context.environment.url), survey=seen)


def _blank(context: EnvironmentContext) -> Result:
    return blank(context, ACTION)


def _size(context: EnvironmentContext) -> int:
    return access.size(context.environment.url)


def _changes(copy: EnvironmentContext, receipt: Receipt) -> tuple[TableDelta, ...]:
    """The changes to rows that existed before, in the tables that were written and in those that were dropped."""
    if not receipt.backup:
        return ()
    hidden = {fold(name) for name in copy.hidden(copy.graph.version_table)} | {"sqlite_sequence"}
    with access.reading(Path(receipt.backup)) as before, access.reading(copy.environment.url) as after:
        now, then = reader.row_tables(before), reader.row_tables(after)
        written = {fold(name) for name, _ in receipt.digests}
        names = {name for name in now if name in written or name not in then} - hidden
        deltas = keeper.row_deltas(before, after, names)
    return tuple(
        delta for delta in deltas if delta.lacking or delta.changed or any(values for _, values in delta.columns)
    )


def _entered(context: EnvironmentContext, rehearsal: Rehearsal, schema: str, started: float) -> Rehearsal:
    """The rehearsal with its number in the ledger; a ledger that cannot be written gives a warning."""
    result, receipt, plan = rehearsal.result, rehearsal.result.receipt, rehearsal.result.plan
    facts = [("command", rehearsal.command.value), ("schema", schema)]
    if plan is not None:
        facts.append(("plan", plan_digest(plan, context.source.fingerprint)))
        facts.append(("target", ", ".join(heads(context.graph, plan.after)) or "base"))
    if receipt:
        facts += [("lock_seconds", f"{rehearsal.lock:.3f}"), ("size_after", str(rehearsal.size_after))]
    if rehearsal.roundtrip:
        facts.append(("roundtrip", "same" if rehearsal.roundtrip.same else "differs"))
    entered = enter(
        context,
        ACTION,
        started,
        result=result.outcome.value,
        stamps=(receipt.came_from, receipt.arrived_at) if receipt else ((), ()),
        steps=tuple(headline(step) for step in plan.steps) if plan else (),
        findings=tuple(blocker.code for blocker in plan.blockers) if plan else (),
        detail=without_values(result.error) if result.error else result.detail,
        facts=facts,
    )
    warned = replace(result, warnings=(*result.warnings, *entered.warnings))
    return replace(rehearsal, number=entered.number, result=warned)


def there_and_back(
    context: EnvironmentContext, copy: EnvironmentContext, command: Command, plan: Plan, before: Schema | None
) -> Roundtrip:
    """Go back to where the plan began and to its end again, and compare the schema each time."""
    if not any(isinstance(step, RunRevision | RunDowngrade) for step in plan.steps) or plan.before == plan.after:
        return Roundtrip(nothing=True)
    back, again = Command.DOWNGRADE, Command.UPGRADE
    if command is Command.DOWNGRADE:
        back, again = again, back
    reached = schema_of(copy)
    progress: list[str] = []
    try:
        with named(context, copy, back):
            seconds, losses = _gone(copy, back, plan.before)
        # Why not compared after a repair: the schema before the plan had drifted, and the way back leads to the
        # chain's.
        progress += [] if _repairs(plan) else _differences("back", before, schema_of(copy))
        with named(context, copy, again):
            more, _ = _gone(copy, again, plan.after)
    except RehearsalFailedError as error:
        return Roundtrip(differences=tuple(progress), failed=f"{error.command}: {error.cause}")
    progress += _differences("again", reached, schema_of(copy))
    return Roundtrip(seconds, more, tuple(progress), losses)


def _repairs(plan: Plan) -> bool:
    """Whether a plan changes anything that should have existed before."""
    steps = (step for step in plan.steps if not isinstance(step, RunDowngrade | Stamp))
    return any(not isinstance(step, RunRevision) or step.revision in plan.before for step in steps)


def _gone(copy: EnvironmentContext, command: Command, position: frozenset[str]) -> tuple[float, tuple[Loss, ...]]:
    """Move the copy to a position; return the seconds and the losses. Raises UsageError if that is blocked."""
    tops = heads(copy.graph, position) or ("base",)
    # Why without requirements: on the copy only the chain's own way back and forth is tried.
    anywhere = replace(copy.environment.policies, heads=tops, uninitialised=Uninitialised.CREATE)
    there = replace(copy.with_policies(anywhere), required=())
    shown = previewed(there, command, None)
    if shown.outcome is not Outcome.PLANNED or shown.plan is None:
        blockers = shown.plan.blockers if shown.plan else ()
        raise UsageError("; ".join(blocker.found for blocker in blockers) or shown.detail, "on the copy")
    began = time.perf_counter()
    carried_out(there, command, shown.plan, lambda *_: None, None)
    return time.perf_counter() - began, shown.losses


def _differences(when: str, expected: Schema | None, actual: Schema | None) -> list[str]:
    return [f"{when}: {explain(name)}" for name in diff(expected or Schema(), actual or Schema())]


def schema_of(context: EnvironmentContext) -> Schema | None:
    """The schema of an environment's database; None if there is none."""
    if not access.exists(context.environment.url):
        return None
    with access.reading(context.environment.url) as connection:
        return reader.read_schema(connection, context.hidden(context.graph.version_table))
