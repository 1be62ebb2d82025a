"""The commands that try things on copies: rehearse, verify and profile. The databases themselves are only read."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.change import go_on
from architect_migrate.cli.context import Options
from architect_migrate.cli.gather import lament, tried_until_stopped, worst
from architect_migrate.cli.options import (
    DryRun,
    EveryStep,
    Head,
    LoseRows,
    Measured,
    Rehearsed,
    Roundtrip,
    Target,
    Yes,
)
from architect_migrate.cli.present import narrate, present
from architect_migrate.cli.progress import sign_of_life
from architect_migrate.cli.prompt import consent_of
from architect_migrate.cli.selection import source_in_use, to_change, to_read
from architect_migrate.core.errors import ArchmigError
from architect_migrate.planning.results import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Progress
    from architect_migrate.runs.rehearsal.profiling import Profile
    from architect_migrate.runs.rehearsal.results import Rehearsal
    from architect_migrate.runs.rehearsal.rollback import Losing, Rollback
    from architect_migrate.runs.rehearsal.verify import Verification


def rehearse(
    options: Options,
    revision: Target = None,
    *,
    command: Rehearsed = None,
    roundtrip: Roundtrip = False,
    verbose: EveryStep = False,
) -> int:
    """Run the very plan on a copy of the database, and tell what it came to.

    How long each step takes and the write lock is held, what stands in the way, what becomes of rows and size. The
    database itself is only read. 0 when it would go through, 1 when it is blocked, 2 when it fails.
    """
    from architect_migrate.cli.report.rehearsal import SLOWEST, rehearsal_report
    from architect_migrate.runs.rehearsal import rehearse as service
    from architect_migrate.runs.rehearsal.results import Way

    contexts = to_read(options)
    # Why first: a chain that cannot be replayed is told once, and not for every database.
    graph = contexts[0].chain
    way = Way.THERE_AND_BACK if roundtrip else Way.THERE
    rehearsed = partial(_rehearsed, service.rehearse, command, revision, way)
    found = tried_until_stopped(contexts, rehearsed, options.jobs)
    most = None if verbose else SLOWEST
    report = rehearsal_report(contexts, found, graph, most, debug=options.debug)
    return present(options, worst(found, lambda rehearsal: rehearsal.exit_code), report)


def _rehearsed(service: Callable[..., Rehearsal], *rest: object) -> Rehearsal:
    """Rehearse with a sign of life; a function of a module, since other processes are given it."""
    *asked, context = rest
    assert hasattr(context, "environment")
    with sign_of_life(context.environment.name) as progress:
        return service(context, progress, *asked)


def verify(options: Options) -> int:
    """Read everything of a database and say whether it is as it should be.

    The schema against the chain, the stamp, integrity_check in full, rows that refer to nothing, and the rows that data
    steps bring. All on a copy. 0 when it is sound, 1 when not, 2 when that could not be told.
    """
    from architect_migrate.cli.report.verify import audit_report

    contexts = to_read(options)
    graph = contexts[0].chain
    found = tried_until_stopped(contexts, _verified, options.jobs)
    code = worst(found, lambda verification: int(not verification.sound))
    return present(options, code, audit_report(contexts, found, graph))


def _verified(context: EnvironmentContext) -> Verification:
    """Verify with a sign of life; a function of a module, since other processes are given it."""
    from architect_migrate.runs.rehearsal.verify import verify

    with sign_of_life(context.environment.name) as progress:
        return verify(context, progress)


def rollback(
    options: Options, *, head: Head = None, lose_rows: LoseRows = False, dry_run: DryRun = False, yes: Yes = False
) -> int:
    """Take the newest revision back, after a rehearsal of that on a copy.

    Refuses where rows, or values of columns, would be lost, unless --lose-rows says that they may go. archmig undo
    brings back what was there.
    """
    from architect_migrate.runs.rehearsal.rollback import Losing

    losing = Losing.ALLOWED if lose_rows else Losing.REFUSED
    contexts, began = to_change(options), time.time()
    found = tried_until_stopped(contexts, partial(_previewed, head, losing), options.jobs)
    previews = tuple(_shown(options, context, each) for context, each in zip(contexts, found, strict=True))
    if dry_run:
        from architect_migrate.cli.sql import dry

        return dry(options, contexts, previews)
    return go_on(options, contexts, previews, partial(_rolled_back, head, losing), consent_of(yes), began=began)


def _previewed(head: str | None, losing: Losing, context: EnvironmentContext) -> Rollback:
    """Preview with a sign of life; a function of a module, since other processes are given it."""
    from architect_migrate.runs.rehearsal.rollback import preview_rollback

    with sign_of_life(context.environment.name) as progress:
        return preview_rollback(context, progress, head, losing)


def _rolled_back(
    head: str | None, losing: Losing, context: EnvironmentContext, plan: Plan, progress: Progress
) -> Result:
    from architect_migrate.runs.rehearsal import rollback as service

    return service.rollback(context, plan, progress, head, losing)


def _shown(options: Options, context: EnvironmentContext, found: Rollback | ArchmigError) -> Result:
    """The preview's result; what came of its rehearsal is said on stderr."""
    if isinstance(found, ArchmigError):
        name, database = context.environment.name, str(context.environment.url)
        return Result(name, database, options.command, Outcome.FAILED, str(found), error=found)
    if found.rehearsal:
        from architect_migrate.cli.report.rehearsal import SLOWEST, rehearsal_text

        narrate(options, partial(rehearsal_text, found.rehearsal, context.chain, SLOWEST))
    lament([found.result], options)
    return found.result


def profile(options: Options, revision: Measured = None, *, verbose: EveryStep = False) -> int:
    """Measure what each revision costs: time, statements, rows, and what they are spent on.

    With --env on a copy of the database, for what is left to run there; else the whole chain on an empty one. With REV
    that revision alone, statement by statement.
    """
    from architect_migrate.cli.report.profiling import profile_report

    if not options.chosen:
        return _chain(options, revision, verbose)
    contexts = to_read(options)
    found = tried_until_stopped(contexts, partial(_pending, revision), options.jobs)
    report = profile_report(contexts, found, revision, verbose=verbose)
    return present(options, worst(found, lambda profile: profile.exit_code), report)


def _chain(options: Options, revision: str | None, verbose: bool) -> int:
    from architect_migrate.cli.report.profiling import chain_profile_report
    from architect_migrate.runs.rehearsal.profiling import only, profile_chain

    source = source_in_use(options)
    with sign_of_life("the chain") as progress:
        found = profile_chain(source, progress, revision)
    found = only(found, source, revision) if revision else found
    return present(options, 0, chain_profile_report(found, revision, verbose=verbose))


def _pending(revision: str | None, context: EnvironmentContext) -> Profile:
    """Profile with a sign of life; a function of a module, since other processes are given it."""
    from architect_migrate.runs.rehearsal.profiling import only, profile_pending

    name = context.environment.name
    with sign_of_life(name) as progress:
        found = profile_pending(context, progress, revision)
    return only(found, context.source, revision, name) if revision else found
