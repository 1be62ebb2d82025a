"""The commands that run on copies: rehearse, verify and profile, and rollback, which rehearses first."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from architect_migrate.cli.change import go_on, refuse_backward
from architect_migrate.cli.context import Options
from architect_migrate.cli.gather import print_failures, tried_until_stopped, worst
from architect_migrate.cli.options import (
    DryRun,
    DrySql,
    EveryStep,
    Head,
    LoseRows,
    MeasuredWords,
    Roundtrip,
    Words,
    Yes,
)
from architect_migrate.cli.present import narrate, present
from architect_migrate.cli.progress import sign_of_life
from architect_migrate.cli.prompt import consent_of
from architect_migrate.cli.selection import source_in_use, split_words, to_change, to_read
from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.capabilities import Capability
from architect_migrate.databases.registry import refuse_on_servers, require
from architect_migrate.planning.results import Outcome, Result
from architect_migrate.runs.rehearsal.results import Command
from architect_migrate.runs.target import absolute, chain_to_run

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Progress
    from architect_migrate.runs.rehearsal.profiling import Profile
    from architect_migrate.runs.rehearsal.results import Rehearsal, Way
    from architect_migrate.runs.rehearsal.rollback import Losing, Rollback
    from architect_migrate.runs.rehearsal.verify import Verification

Rehearsed = Annotated[
    Command | None,
    typer.Option("--command", help="The command to rehearse; default: upgrade, or reconcile after drift."),
]


def rehearse(
    options: Options,
    words: Words = None,
    *,
    command: Rehearsed = None,
    roundtrip: Roundtrip = False,
    verbose: EveryStep = False,
) -> int:
    """Run the plan on a copy of the database and report.

    The report has the time of each step and of the write lock, what blocks the run, and the changes in rows and size.
    The database itself is only read. Exit code 0: the run would succeed; 1: it is blocked; 2: it failed.
    """
    from architect_migrate.cli.report.rehearsal import SLOWEST, rehearsal_report
    from architect_migrate.runs.rehearsal.results import Way

    options, revision = split_words(options, words)
    contexts = to_read(options)
    # Why first: a chain that cannot be replayed is reported once, not for each database.
    graph = chain_to_run(contexts, revision)
    if command is not Command.DOWNGRADE:
        refuse_backward(options, revision)
    way = Way.THERE_AND_BACK if roundtrip else Way.THERE
    rehearsed = partial(_rehearsed, command, revision, way)
    found = tried_until_stopped(contexts, rehearsed, options.jobs)
    most = None if verbose else SLOWEST
    report = rehearsal_report(contexts, found, graph, most, debug=options.debug)
    return present(options, worst(found, lambda rehearsal: rehearsal.exit_code), report)


def _rehearsed(command: Command | None, revision: str | None, way: Way, context: EnvironmentContext) -> Rehearsal:
    """Rehearse with a progress line. Why a function of the module: it is pickled for other processes."""
    from architect_migrate.runs.rehearsal.rehearse import rehearse as service

    with sign_of_life(context.environment.name) as progress:
        return service(context, progress, command, absolute(context, revision), way)


def verify(options: Options) -> int:
    """Check a database in full: schema, stamp, integrity and rows.

    Compares the schema with the chain and the stamp with the schema, runs SQLite's integrity_check in full, looks for
    foreign keys without a parent row, and for rows of data steps that are missing. All on a copy; PostgreSQL is
    only read. Exit code 0: all checks passed; 1: one did not; 2: the database could not be read.
    """
    from architect_migrate.cli.report.verify import audit_report

    contexts = to_read(options)
    graph = contexts[0].chain
    found = tried_until_stopped(contexts, _verified, options.jobs)
    code = worst(found, lambda verification: int(not verification.sound))
    return present(options, code, audit_report(contexts, found, graph))


def _verified(context: EnvironmentContext) -> Verification:
    """Verify with a progress line. Why a function of the module: it is pickled for other processes."""
    from architect_migrate.runs.rehearsal.verify import verify

    with sign_of_life(context.environment.name) as progress:
        return verify(context, progress)


def rollback(
    options: Options,
    *,
    head: Head = None,
    lose_rows: LoseRows = False,
    dry_run: DryRun = False,
    sql: DrySql = False,
    yes: Yes = False,
) -> int:
    """Take the newest revision back, after a rehearsal on a copy.

    Refuses to lose rows or values of columns, unless --lose-rows is given. archmig undo restores what was there.
    """
    from architect_migrate.runs.rehearsal.rollback import Losing

    losing = Losing.ALLOWED if lose_rows else Losing.REFUSED
    contexts, began = to_change(options, Capability.COPIES), time.time()
    found = tried_until_stopped(contexts, partial(_previewed, head, losing), options.jobs)
    previews = tuple(_shown(options, context, each) for context, each in zip(contexts, found, strict=True))
    if dry_run or sql:
        from architect_migrate.cli.sql import dry

        return dry(options, contexts, previews, sql=sql)
    return go_on(options, contexts, previews, partial(_rolled_back, head, losing), consent_of(yes), began=began)


def _previewed(head: str | None, losing: Losing, context: EnvironmentContext) -> Rollback:
    """Preview with a progress line. Why a function of the module: it is pickled for other processes."""
    from architect_migrate.runs.rehearsal.rollback import preview_rollback

    with sign_of_life(context.environment.name) as progress:
        return preview_rollback(context, progress, head, losing)


def _rolled_back(
    head: str | None, losing: Losing, context: EnvironmentContext, plan: Plan, progress: Progress
) -> Result:
    from architect_migrate.runs.rehearsal import rollback as service

    return service.rollback(context, plan, progress, head, losing)


def _shown(options: Options, context: EnvironmentContext, found: Rollback | ArchmigError) -> Result:
    """The preview's result; its rehearsal is reported on stderr."""
    if isinstance(found, ArchmigError):
        name, database = context.environment.name, str(context.environment.url)
        return Result(name, database, options.command, Outcome.FAILED, str(found), error=found)
    if found.rehearsal:
        from architect_migrate.cli.report.rehearsal import SLOWEST, rehearsal_text

        narrate(options, partial(rehearsal_text, found.rehearsal, context.chain, SLOWEST))
    print_failures([found.result], options)
    return found.result


def profile(options: Options, words: MeasuredWords = None, *, verbose: EveryStep = False) -> int:
    """Measure the time, statements and rows of each revision.

    With an environment, its pending revisions run on a copy of its database; without one, the whole chain runs on an
    empty database. With REV, only that revision is measured, statement by statement.
    """
    from architect_migrate.cli.report.profiling import profile_report

    options, revision = split_words(options, words)
    if not options.chosen:
        return _chain(options, revision, verbose)
    contexts = to_read(options)
    require(Capability.COPIES, *(context.environment.url for context in contexts))
    found = tried_until_stopped(contexts, partial(_pending, revision), options.jobs)
    report = profile_report(contexts, found, revision, verbose=verbose)
    return present(options, worst(found, lambda profile: profile.exit_code), report)


def _chain(options: Options, revision: str | None, verbose: bool) -> int:
    from architect_migrate.cli.report.profiling import chain_profile_report
    from architect_migrate.runs.rehearsal.profiling import only, profile_chain

    source = source_in_use(options)
    refuse_on_servers(source.chain.kind, "measure revisions on databases")
    with sign_of_life("the chain") as progress:
        found = profile_chain(source, progress, revision)
    found = only(found, source, revision) if revision else found
    return present(options, 0, chain_profile_report(found, revision, verbose=verbose))


def _pending(revision: str | None, context: EnvironmentContext) -> Profile:
    """Profile with a progress line. Why a function of the module: it is pickled for other processes."""
    from architect_migrate.runs.rehearsal.profiling import only, profile_pending

    name = context.environment.name
    with sign_of_life(name) as progress:
        found = profile_pending(context, progress, revision)
    return only(found, context.source, revision, name) if revision else found
