"""Tries a plan on a copy of a database's definitions, without rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from architect_migrate.core.chain_errors import (
    ColumnOrderError,
    RevisionFailedError,
    RevisionLosesError,
    StepFailedError,
)
from architect_migrate.databases.registry import reader, temporary
from architect_migrate.databases.values import TriggerWrite
from architect_migrate.model import schema
from architect_migrate.model.chain_config import ChainConfig
from architect_migrate.model.environment import Tracker
from architect_migrate.model.history import unmasked
from architect_migrate.planning.plan import (
    Plan,
    RunDataStep,
    RunRevision,
    RunRows,
    Stamp,
    Step,
    SyncTracker,
    TrackerChange,
    headline,
)
from architect_migrate.planning.table_edits import Edit
from architect_migrate.runs.steps import explained, in_chain, run_planned, with_rows

if TYPE_CHECKING:
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Schema
    from architect_migrate.revisions.alembic_runtime import Runner

Definitions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A plan's steps, and the definitions on which they are tried.

    Without triggers on their tables the stamp and the tracker are left out: they cannot fail by the definitions.
    `stamping` are the statements that write the stamp, which depend on the one that is there. `hidden` are the tables
    of the stamp and of the tracker.
    """

    chain: ChainConfig
    steps: tuple[Step, ...]
    definitions: Definitions
    stamping: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """The result of a trial: the schema that is `left` afterwards, or the step that failed and its cause.

    `triggered` are the writes of triggers that are in the database, `changed` the tables of which the chain's own
    statements change rows. All fields are empty if the trial cannot tell: the definitions cannot be copied, or the
    failure may depend on rows. `lost` are the objects that a revision would remove beyond what it does in the chain.
    `halted` is why the process of the trial ended before it could say anything. `disordered` is the table whose columns
    are in another order than a statement needs, and `advice` the way out of that.
    """

    left: Schema | None = None
    step: str = ""
    revision: str = ""
    cause: str = ""
    triggered: tuple[TriggerWrite, ...] = ()
    changed: tuple[str, ...] = ()
    halted: str = ""
    lost: tuple[str, ...] = ()
    disordered: str = ""
    advice: str = ""


CLASSES = (Job, ChainConfig, Tracker, *get_args(Step), *get_args(TrackerChange), *get_args(Edit))
RESULT = (Tried, TriggerWrite, *schema.CLASSES)


def job_of(
    chain: ChainConfig,
    plan: Plan,
    definitions: Definitions,
    stamping: tuple[str, ...] | None,
    hidden: tuple[str, ...],
) -> Job:
    """Return the job that tries a plan; with None for `stamping` neither the stamp nor the tracker is tried."""
    left_out = Stamp if stamping is not None else Stamp | SyncTracker
    steps = tuple(step for step in plan.steps if not isinstance(step, left_out))
    return Job(chain, steps, definitions, stamping or (), hidden)


def in_full(job: Job, history: History) -> Job:
    """Return the job with the values of rows. Raises StepFailedError."""
    return replace(job, steps=with_rows(job.steps, lambda: unmasked(history)))


def try_here(job: Job, history: History) -> Tried:
    """Try a job in this process. Raises DatabaseError if the definitions cannot be copied."""
    plan = Plan(job.steps, (), (), frozenset(), frozenset())

    def work(runner: Runner | None) -> Tried:
        # Why in here: definitions may use functions and collations of env.py.
        temporary.make_copy(connection, job.definitions)
        written = run_planned(plan, connection, runner, history, lambda *_: None)
        if job.stamping:
            written.add(explained(connection, job.stamping))
        left, writes = reader.read_schema(connection, job.hidden), sorted(written.triggered, key=repr)
        return Tried(left, triggered=tuple(writes), changed=tuple(sorted(written.changed)))

    with temporary.held_in_memory() as connection:
        try:
            return in_chain(job.chain, history, plan, connection, work, dont_mutate=True)
        except RevisionFailedError as error:
            return _failed(error)
        except StepFailedError as error:
            # The chain's code may only have reached for what a trial does not let it touch.
            chains = {headline(step) for step in job.steps if isinstance(step, RunRevision | RunDataStep | RunRows)}
            return Tried() if error.step in chains else Tried(step=error.step, cause=error.cause)


def _failed(error: RevisionFailedError) -> Tried:
    from architect_migrate.revisions.revision_errors import is_of_the_schema

    tried = Tried(step=f"run revision {error.revision}", revision=error.revision, cause=error.cause)
    if isinstance(error, ColumnOrderError):
        return replace(tried, disordered=error.table, advice=error.advice)
    if isinstance(error, RevisionLosesError):
        return replace(tried, lost=error.objects)
    return replace(tried, cause=error.cause.removeprefix("OperationalError: ")) if is_of_the_schema(error) else Tried()
