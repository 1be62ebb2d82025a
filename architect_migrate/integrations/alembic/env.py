"""Runs plain `alembic` commands with archmig's choice of database, transaction and proof."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from logging.config import fileConfig
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from architect_migrate.config.policies import creates_missing, may_be_changed
from architect_migrate.core.chain_errors import (
    ChainError,
    DriftedError,
    NotProvenError,
    ProtectedError,
    RevisionFailedError,
)
from architect_migrate.core.database_errors import (
    CommitFailedError,
    DamagedError,
    RolledBackError,
    TransactionEndedError,
)
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.interrupts import FinishedFirst, run_interruptible
from architect_migrate.core.text import harmless
from architect_migrate.databases.registry import (
    LOCAL,
    access,
    keeper,
    kind_of,
    lender,
    marks,
    reader,
    watching,
)
from architect_migrate.databases.values import settled
from architect_migrate.diagnosis.drift import drift, in_the_way
from architect_migrate.integrations.alembic.job import (
    Job,
    bookkeeping,
    job_of,
    read_options,
    resolutions_of,
    source_for,
    title,
)
from architect_migrate.integrations.alembic.record import recording
from architect_migrate.integrations.alembic.steps import refuse_foreign, watched_steps
from architect_migrate.model.diff import explain
from architect_migrate.model.revision_graph import ancestry
from architect_migrate.revisions.failures import file_errors
from architect_migrate.revisions.revision_errors import command_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from architect_migrate.core.interrupts import Interrupts
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import Integrity
    from architect_migrate.integrations.alembic.record import Record
    from architect_migrate.model.chain_config import ChainConfig

_READING = frozenset({"branches", "check", "current", "heads", "history", "merge", "revision", "show"})


def run_command(context: ModuleType) -> None:
    """Run a command of Alembic's on the chosen environment. Raises CommandError as `alembic_env.run`."""
    with command_errors(harmless), _interruptible(context.config):
        _log_as_configured(context.config)
        if context.is_offline_mode():
            _print_sql(context)
        else:
            _run_online(context)


@contextmanager
def _interruptible(config: Any) -> Iterator[None]:
    """End Alembic's command line with a message and exit code 130 on a Ctrl-C; raise it to callers of the library."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if config.cmd_opts is None:
            raise
        done = "after the commit: all of it is done" if isinstance(stop, FinishedFirst) else "and nothing was changed"
        config.print_stdout("FAILED: interrupted, %s", done)
        raise SystemExit(130) from None


def _log_as_configured(config: Any) -> None:
    """Configure logging from alembic.ini, only for Alembic's command line.

    Why: where a program calls Alembic as a library (no `cmd_opts`), logging is that program's.
    """
    if config.cmd_opts is not None and config.file_config.has_section("loggers"):
        fileConfig(config.config_file_name, disable_existing_loggers=False)


def _print_sql(context: ModuleType) -> None:
    """Print the SQL of a run as one transaction, without opening a database."""
    context.configure(dialect_name=_kind_of_script(context), literal_binds=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


def _kind_of_script(context: ModuleType) -> str:
    """The kind of the environment's database; where none can be chosen, the one that needs no server."""
    with suppress(ArchmigError):
        return kind_of(job_of(context.config, read_options(context.get_x_argument())).environment.url)
    return LOCAL


def _run_online(context: ModuleType) -> None:
    options = read_options(context.get_x_argument())
    job = job_of(context.config, options)
    logging.getLogger("alembic.archmig").info("Database %s", title(job))
    _import_revisions(context, job.chain)
    if job.command in _READING:
        _read(context, job)
        return
    if not may_be_changed(job.environment, options.yes):
        raise ProtectedError(job.environment.name, job.command or "run")
    _write(context, job)


def _import_revisions(context: ModuleType, chain: ChainConfig) -> None:
    """Import every revision file before a lock is held, and before `op` is bound to a connection.

    Why: code at the top of a revision file could otherwise change the database, or keep the lock waiting. Raises
    ChainError with the file and line at fault.
    """
    try:
        with file_errors(chain):
            context.script.get_heads()
    except (Exception, SystemExit) as error:
        cause, folder = error.__cause__ or error, Path(context.script.dir).absolute()
        inside = [
            frame_summary
            for frame_summary in extract_tb(cause.__traceback__)
            if folder in Path(frame_summary.filename).parents
        ]
        if not inside and isinstance(error, ArchmigError):
            raise
        place = f"{inside[-1].filename}, line {inside[-1].lineno}" if inside else str(chain.ini)
        raise ChainError(place, f"{type(cause).__name__} on import: {cause}") from error


def _read(context: ModuleType, job: Job) -> None:
    """Run a command that only reads, on a connection that cannot write; no version table is created."""
    # Why an empty model: Alembic's own comparison must find nothing, since archmig's comparison follows.
    quiet = {"target_metadata": sa.MetaData(), "include_name": lambda *_: False} if job.command == "check" else {}
    with (
        access.reading(job.environment.url, job.environment.policies.lock_timeout) as connection,
        lender.alchemy(connection) as lent,
    ):
        context.configure(connection=lent, dont_mutate=True, transactional_ddl=True, **quiet)
        table = context.get_context().version_table
        marks.read_claims(connection, None, table)
        context.run_migrations()
        if job.command == "check":
            _refuse_drift(context, job, connection, table)


def _refuse_drift(context: ModuleType, job: Job, connection: Connection, table: str) -> None:
    """Print each difference from the chain, and raise DriftedError if there is one; the stamp is at the head."""
    history = source_for(job).history
    position = frozenset(history.graph.order)
    schema = reader.read_schema(connection, bookkeeping(job, table))
    differences = tuple(explain(change) for change in drift(history, position, schema, resolutions_of(job)))
    for line in differences:
        context.config.print_stdout("%s", line)
    if differences:
        raise DriftedError(job.environment.name, differences)


def _write(context: ModuleType, job: Job) -> None:
    """Run the command in one transaction, prove its outcome, commit, read the stamp back, and record the run."""
    record = recording(job)
    try:
        with record.recorded_if_it_fails():
            _commit(context, job, record)
    except FinishedFirst:
        _enter(record)
        raise
    table = context.get_context().version_table
    # Why from the file: only what is there after the commit counts as done.
    assert record.committed is not None
    unread = keeper.read_back(job.environment.url, job.environment.policies.lock_timeout, table, record.committed)
    _enter(record, str(unread or ""))
    if unread:
        raise unread


def _enter(record: Record, unread: str = "") -> None:
    for warning in record.enter(unread):
        logging.getLogger("alembic.archmig").warning("%s", warning)


def _commit(context: ModuleType, job: Job, record: Record) -> None:
    """Run and commit; from the commit on, `record` describes what was done."""
    with ExitStack() as around:
        if job.command in {"", "upgrade"} and creates_missing(job.environment):
            around.enter_context(access.created(job.environment.url))
        around.enter_context(_explained(job))
        try:
            run_interruptible(lambda interrupts: _in_transaction(context, job, interrupts, record))
        except CommitFailedError as error:
            _settle_commit(context, job, record, error)


def _settle_commit(context: ModuleType, job: Job, record: Record, error: CommitFailedError) -> None:
    """Turn a failed commit into a warning if the stamp shows that it is complete; else raise the error."""
    table, timeout = context.get_context().version_table, job.environment.policies.lock_timeout
    assert record.committed is not None
    outcome = keeper.transaction_outcome(job.environment.url, timeout, table, record.committed)
    outcome = outcome or keeper.outcome_by_stamp(job.environment.url, timeout, table, *record.stamps)
    logging.getLogger("alembic.archmig").warning("%s", settled(error, outcome))


def _in_transaction(context: ModuleType, job: Job, interrupts: Interrupts, record: Record) -> None:
    with access.transaction(job.environment.url, job.environment.policies.lock_timeout) as connection:
        # Why before the run: rows that were wrong already do not fail the proof, and a damaged file is refused.
        integrity = _checked_integrity(job.environment.url, connection)
        with lender.alchemy(connection) as lent:
            # Why transactional_ddl: Alembic's default for SQLite is False, and then it does not take all revisions for
            # one transaction.
            context.configure(connection=lent, transactional_ddl=True)
            migration = context.get_context()
            stamped = () if job.purge else marks.read_claims(connection, None, migration.version_table).stamp or ()
            record.begins(connection, migration.version_table, stamped)
            _refuse_without_baseline(job, fresh=record.fresh)
            # Why a private attribute: Alembic has no public hook between planning its steps and running their
            # functions.
            steps = migration._migrations_fn  # noqa: SLF001
            migration._migrations_fn = partial(watched_steps, steps, connection, record)  # noqa: SLF001
            # Why watched: Alembic writes the stamp between the steps, and the version table may have triggers.
            with watching.write_log(connection) as seen:
                context.run_migrations()
            record.written.add(seen)
            recorded = migration.get_current_heads()
            refuse_foreign(job, set(recorded) - set(stamped))
        # Why before the proof: the tracker's rows are written in the same transaction, and proven with the rest.
        record.sync(connection, recorded)
        if worse := _checked_integrity(job.environment.url, connection).worse_than(integrity.broken):
            raise NotProvenError(worse)
        for warning in integrity.left():
            logging.getLogger("alembic.archmig").warning("%s", warning)
        if kept := record.proves(connection, integrity.broken):
            logging.getLogger("alembic.archmig").info("%s", kept)
        record.ends(connection, recorded)
        # Why here: the last moment at which a Ctrl-C can still roll back; from now on it waits for the record.
        interrupts.refuse()
        interrupts.held = True


def _refuse_without_baseline(job: Job, *, fresh: bool) -> None:
    """Raise ChainError where Alembic would run the chain on nothing, although it begins on a baseline."""
    if fresh and job.chain.baseline and job.command in {"", "upgrade"}:
        problem = "the chain begins on it, and plain alembic does not make it in an empty database"
        advice = f"run archmig upgrade {job.environment.name}; afterwards alembic upgrade goes on from there"
        raise ChainError(job.chain.baseline, problem, advice)


def _checked_integrity(url: DatabaseUrl, connection: Connection) -> Integrity:
    integrity = keeper.integrity_before(connection)
    if integrity.damage:
        raise DamagedError(access.location(url), integrity.damage[0])
    return integrity


@contextmanager
def _explained(job: Job) -> Iterator[None]:
    """Raise a failed run as RolledBackError, which names the environment and the drift that caused it, if any."""
    try:
        yield
    except NotProvenError as error:
        problem = str(error).replace(", everything was rolled back", "", 1)
        raise RolledBackError(job.environment.name, problem, ()) from error
    except RevisionFailedError as error:
        if isinstance(error.__cause__, TransactionEndedError):
            raise
        raise RolledBackError(job.environment.name, str(error), _drift_in_the_way(job)) from error


def _drift_in_the_way(job: Job) -> tuple[str, ...]:
    """Differences from the stamped position that made the run fail; empty if they cannot be read."""
    with suppress(ArchmigError):
        history = source_for(job).history
        table = history.graph.version_table
        with access.reading(job.environment.url, job.environment.policies.lock_timeout) as connection:
            position = ancestry(history.graph, marks.read_claims(connection, None, table).stamp or ())
            schema = reader.read_schema(connection, bookkeeping(job, table))
        return in_the_way(history, position, schema, resolutions_of(job))
    return ()
