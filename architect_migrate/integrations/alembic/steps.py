"""Wraps Alembic's own steps: refuses them before the first one where a policy says so, and watches each."""

from __future__ import annotations

import logging
import os
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from architect_migrate.config.context import context_for
from architect_migrate.core.chain_errors import NotPromotedError, NotRehearsedError
from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.databases.registry import lender, watching
from architect_migrate.integrations.alembic.job import source_for
from architect_migrate.planning.plan import RunDowngrade, RunRevision, headline
from architect_migrate.revisions.replay import cache_folder, history_of
from architect_migrate.revisions.revision_errors import revision_errors
from architect_migrate.runs.native_plan import plan_of_alembic_run
from architect_migrate.runs.promotion_gate import lacking
from architect_migrate.runs.rehearsal_gate import advice_for, is_required, rehearsal_status
from architect_migrate.runs.survey import foreign_error, schema_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from architect_migrate.databases.base import Connection
    from architect_migrate.integrations.alembic.job import Job
    from architect_migrate.integrations.alembic.record import Record


def refuse_foreign(job: Job, revisions: Iterable[str]) -> None:
    """Raise ForeignBranchError for a revision on a branch that only other environments list."""
    if not any(environment.policies.heads for environment in job.project.environments):
        return
    source = source_for(job)
    if foreign := source.foreign & set(revisions):
        raise foreign_error(job.environment.name, source, min(foreign))


def _refuse_unpromoted(job: Job, revisions: Iterable[str]) -> None:
    """Raise NotPromotedError for a revision that a required environment does not have."""
    if job.environment.requires:
        missing = lacking(context_for(job.project, job.environment, cache_folder(os.environ)), revisions)
        if missing:
            raise NotPromotedError(job.environment.name, tuple(str(each) for each in missing))


def _refuse_unrehearsed(
    job: Job, up: Collection[str], down: Collection[str], stamped: Iterable[str], connection: Connection
) -> None:
    """Raise NotRehearsedError if a rehearsal is required and the plan that matches this run had none."""
    if not is_required(job.environment) or not (up or down):
        return
    context = context_for(job.project, job.environment, cache_folder(os.environ))
    plan = plan_of_alembic_run(context.graph, up, down, stamped)
    if why := rehearsal_status(context, plan, schema_digest(context, connection)).why:
        raise NotRehearsedError(job.environment.name, why, advice_for(context, plan))


def watched_steps(
    steps: Callable[..., Iterable[Any]],
    connection: Connection,
    record: Record,
    heads: Any,
    context: Any,
) -> Iterator[Any]:
    """Yield Alembic's steps, with the function of each revision wrapped; the steps of a stamp run nothing.

    The backup is taken before the first one, and what is run and written is noted in `record`.
    """
    job = record.job
    planned = list(steps(heads, context))
    own = [one for one in planned if hasattr(one, "revision")]
    run = [one.revision.revision for one in own if one.is_upgrade]
    # Why all refusals first: no revision may run before every one of them is permitted.
    refuse_foreign(job, run)
    _refuse_unpromoted(job, run)
    back = [one.revision.revision for one in own if not one.is_upgrade]
    _refuse_unrehearsed(job, run, back, heads, connection)
    if planned:
        record.backs_up(connection, run, back)
    for step in planned:
        if hasattr(step, "revision"):
            step.migration_fn = _watched_step(step.migration_fn, connection, context, step, record)
            revision = step.revision.revision
            record.steps.append(headline(RunRevision(revision) if step.is_upgrade else RunDowngrade(revision)))
        yield step


def _warn_of_commit(revision: str) -> None:
    told = "%s: its commit does nothing; archmig commits the whole run, after its proof"
    logging.getLogger("alembic.archmig").warning(told, revision)


def _watched_step(
    function: Callable[..., None], connection: Connection, context: Any, step: Any, record: Record
) -> Callable[..., None]:
    """Wrap a revision's function: its errors become RevisionFailedError, and its losses are restored.

    What it drops beyond its effects in the chain is restored, or RevisionLosesError is raised.
    """
    verb, revision = "upgrade()" if step.is_upgrade else "downgrade()", step.revision.revision

    @wraps(function)
    def watched_function(**given: Any) -> None:
        mend = watching.mending(connection)
        with revision_errors(revision, verb):
            stamped = set(context.get_current_heads())
            taken = lender.refuse_ignored_calls(connection, context, partial(_warn_of_commit, revision))
            with watching.write_log(connection) as seen, taken:
                function(**given)
                watching.still_inside(connection)
            # Why: Alembic updates the stamp by what it read before, so a revision that changes the stamp would falsify
            # it.
            if set(context.get_current_heads()) != stamped:
                raise TransactionEndedError(f"change the stamp in {context.version_table}")
        learn = partial(history_of, record.job.chain, cache_folder(os.environ))
        with watching.unwatched(connection):
            back = mend(seen, revision, learn)
        record.written.add(seen, revision)
        for name in back:
            logging.getLogger("alembic.archmig").warning("%s dropped %s: restored", revision, name)

    return watched_function
