"""Verifies a database without changing it: against the chain, by the database's checks, and by rows of data steps."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import RevisionFailedError
from architect_migrate.core.database_errors import DamagedError
from architect_migrate.databases.capabilities import Capability
from architect_migrate.databases.registry import access, checks, keeper, kind_of, lacking, watching
from architect_migrate.databases.values import Integrity, Keys
from architect_migrate.diagnosis.data_steps import lasts
from architect_migrate.diagnosis.drift import drift
from architect_migrate.model.diff import explain
from architect_migrate.runs.observe import unclean, without_evidence
from architect_migrate.runs.own_functions import with_functions
from architect_migrate.runs.rehearsal.on_copy import on_copy
from architect_migrate.runs.survey import survey, with_row_judgements

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.planning.results import Survey
    from architect_migrate.revisions.alembic_runtime import Runner
    from architect_migrate.runs.contracts import Progress

# Times the database's size: the copy, a second one for data steps, and its journal.
_TIMES = 3
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class LackingRows:
    """The rows that a data step would still write to a table: rows to insert, with examples, and rows to change."""

    revision: str
    table: str
    rows: int
    changed: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataSteps:
    """The outcome of running the data steps of applied revisions again.

    `asked` were run on a copy; `untried` were not, since this kind of database is not copied; `outlived` were not,
    since later revisions removed what they wrote to; `failed` are (revision, reason), and nothing is known of their
    rows.
    """

    asked: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    outlived: tuple[str, ...] = ()
    lacking: tuple[LackingRows, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything verified about one database; None stands for what was not checked because it is damaged or missing.

    `why` says why it is not up to date (empty if it is), `drift` has a line for each difference that matters,
    `integrity` the rows that violate their table's declarations, and what could not be looked at.
    """

    environment: str
    database: str
    survey: Survey | None
    why: str = ""
    drift: tuple[str, ...] = ()
    integrity: Integrity = field(default_factory=Integrity)
    keys: Keys | None = None
    data: DataSteps | None = None
    seconds: float = 0.0

    @property
    def sound(self) -> bool:
        """Whether no check found anything wrong."""
        orphans = bool(self.keys and self.keys.orphans)
        rows = bool(self.data and (self.data.lacking or self.data.failed))
        return not (self.why or self.integrity.damage or self.integrity.broken or orphans or rows)

    @property
    def in_part(self) -> bool:
        """Whether something could not be checked, so that nothing is known about it."""
        return bool(
            self.integrity.unchecked or (self.keys and self.keys.unchecked) or (self.data and self.data.untried)
        )


def verify(context: EnvironmentContext, progress: Progress) -> Verification:
    """Verify a database on a private copy, or by reading it where its kind has no copies.

    Raises CopyError, and what `reading` raises of the original.
    """
    began = time.perf_counter()
    if _has_copies(context):
        with on_copy(context, _TIMES) as copy:
            verification = _verified(context, copy, progress)
    else:
        verification = _verified(context, context, progress)
    return replace(verification, seconds=time.perf_counter() - began)


def _has_copies(context: EnvironmentContext) -> bool:
    return Capability.COPIES not in lacking(kind_of(context.environment.url))


def _verified(context: EnvironmentContext, copy: EnvironmentContext, progress: Progress) -> Verification:
    blank = Verification(context.environment.name, str(context.environment.url), None)
    if access.is_empty(copy.environment.url):
        seen = survey(copy)
        return replace(blank, survey=seen, why=unclean(context, seen))
    integrity = _integrity(copy, progress)
    if integrity.damage and _has_copies(context):
        return replace(blank, integrity=integrity)
    progress(0, 0, "schema and foreign keys")
    seen = with_row_judgements(copy, survey(copy))
    with access.reading(copy.environment.url, copy.environment.policies.lock_timeout) as connection:
        keys = with_functions(copy, connection, lambda: checks.check_keys(connection))
    return replace(
        blank,
        survey=without_evidence(seen),
        why=unclean(context, seen),
        drift=_drift(copy, seen),
        integrity=integrity,
        keys=keys,
        data=_data_steps(copy, seen.position, progress),
    )


def _integrity(copy: EnvironmentContext, progress: Progress) -> Integrity:
    """Check the rows against the declarations of their tables.

    Why in a write transaction on a copy: on a connection that cannot write, SQLite 3.40 does not check CHECK
    constraints.
    """
    progress(0, 0, "integrity_check" if _has_copies(copy) else "declarations")
    opened = access.transaction if _has_copies(copy) else access.reading
    try:
        with opened(copy.environment.url, copy.environment.policies.lock_timeout) as connection:
            return with_functions(copy, connection, lambda: checks.integrity_of(connection))
    except DamagedError as error:
        return Integrity((error.detail,))


def _drift(copy: EnvironmentContext, seen: Survey) -> tuple[str, ...]:
    if seen.schema is None:
        return ()
    return tuple(explain(change) for change in drift(copy.history, seen.position, seen.schema, copy.resolutions))


def _data_steps(copy: EnvironmentContext, position: frozenset[str], progress: Progress) -> DataSteps:
    """Run the data steps of applied revisions on another copy, each by itself, and roll them back."""
    graph = copy.graph
    applied = [each.id for each in graph.revisions if each.data_step and each.id in position]
    if not applied:
        return DataSteps()
    history = copy.history
    lasting = tuple(each for each in applied if lasts(history, position, each))
    outlived = tuple(each for each in applied if each not in lasting)
    if not _has_copies(copy):
        return DataSteps(untried=lasting, outlived=outlived)
    with on_copy(copy, 1) as trial:
        steps = DataSteps(asked=lasting, outlived=outlived)
        for revision, tried in _tried(copy, trial, lasting, progress):
            if isinstance(tried, str):
                steps = replace(steps, failed=(*steps.failed, (revision, tried)))
            else:
                steps = replace(steps, lacking=(*steps.lacking, *tried))
    return steps


def _tried(
    copy: EnvironmentContext, trial: EnvironmentContext, revisions: tuple[str, ...], progress: Progress
) -> list[tuple[str, tuple[LackingRows, ...] | str]]:
    """What each revision's data step would still write, or why that is not known."""
    from architect_migrate.revisions.alembic_runtime import operate

    with (
        access.reading(copy.environment.url) as before,
        access.transaction(trial.environment.url, trial.environment.policies.lock_timeout) as after,
    ):

        def work(runner: Runner) -> list[tuple[str, tuple[LackingRows, ...] | str]]:
            outcomes = []
            for number, revision in enumerate(revisions, 1):
                progress(number, len(revisions), f"data step of {revision}")
                outcomes.append((revision, _one(runner, revision, before, after)))
            return outcomes

        return operate(trial.config, after, work)


def _one(runner: Runner, revision: str, before: Connection, after: Connection) -> tuple[LackingRows, ...] | str:
    # Why a savepoint: each data step has to meet the database without the writes of the others.
    after.execute("SAVEPOINT one_data_step")
    changes = watching.rows_written(after)
    try:
        tables = runner.data_step(revision).tables()
    except RevisionFailedError as error:
        after.execute("ROLLBACK TO one_data_step")
        return error.cause
    # Why compare only after writes: a comparison reads whole tables, and most data steps write nothing the second time.
    missing = _lacking(revision, tables, before, after) if watching.rows_written(after) > changes else ()
    after.execute("ROLLBACK TO one_data_step")
    return missing


def _lacking(revision: str, tables: frozenset[str], before: Connection, after: Connection) -> tuple[LackingRows, ...]:
    return tuple(
        LackingRows(
            revision, delta.table, delta.lacking, delta.changed, keeper.examples(after, before, delta.table, _EXAMPLES)
        )
        for delta in keeper.row_deltas(after, before, tables)
        if delta.lacking or delta.changed
    )
