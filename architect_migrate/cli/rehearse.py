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

    from architect_migrate.config.context import Setting
    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Progress
    from architect_migrate.runs.rehearsal.profiling import Profile
    from architect_migrate.runs.rehearsal.results import Rehearsal
    from architect_migrate.runs.rehearsal.rollback import Losing, Rollback
    from architect_migrate.runs.rehearsal.verify import Audit


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

    settings = to_read(options)
    # Why first: a chain that cannot be replayed is told once, and not for every database.
    outline = settings[0].chain
    way = Way.THERE_AND_BACK if roundtrip else Way.THERE
    rehearsed = partial(_rehearsed, service.rehearse, command, revision, way)
    found = tried_until_stopped(settings, rehearsed, options.jobs)
    most = None if verbose else SLOWEST
    report = rehearsal_report(settings, found, outline, most, debug=options.debug)
    return present(options, worst(found, lambda rehearsal: rehearsal.exit_code), report)


def _rehearsed(service: Callable[..., Rehearsal], *rest: object) -> Rehearsal:
    """Rehearse with a sign of life; a function of a module, since other processes are given it."""
    *asked, setting = rest
    assert hasattr(setting, "environment")
    with sign_of_life(setting.environment.name) as told:
        return service(setting, told, *asked)


def verify(options: Options) -> int:
    """Read everything of a database and say whether it is as it should be.

    The schema against the chain, the stamp, integrity_check in full, rows that refer to nothing, and the rows that data
    steps bring. All on a copy. 0 when it is sound, 1 when not, 2 when that could not be told.
    """
    from architect_migrate.cli.report.verify import audit_report

    settings = to_read(options)
    outline = settings[0].chain
    found = tried_until_stopped(settings, _audited, options.jobs)
    code = worst(found, lambda audit: int(not audit.sound))
    return present(options, code, audit_report(settings, found, outline))


def _audited(setting: Setting) -> Audit:
    """Audit with a sign of life; a function of a module, since other processes are given it."""
    from architect_migrate.runs.rehearsal.verify import audit

    with sign_of_life(setting.environment.name) as told:
        return audit(setting, told)


def rollback(
    options: Options, *, head: Head = None, lose_rows: LoseRows = False, dry_run: DryRun = False, yes: Yes = False
) -> int:
    """Take the newest revision back, after a rehearsal of that on a copy.

    Refuses where rows, or values of columns, would be lost, unless --lose-rows says that they may go. archmig undo
    brings back what was there.
    """
    from architect_migrate.runs.rehearsal.rollback import Losing

    losing = Losing.ALLOWED if lose_rows else Losing.REFUSED
    settings, began = to_change(options), time.time()
    found = tried_until_stopped(settings, partial(_previewed, head, losing), options.jobs)
    previews = tuple(_shown(options, setting, it) for setting, it in zip(settings, found, strict=True))
    if dry_run:
        from architect_migrate.cli.sql import dry

        return dry(options, settings, previews)
    return go_on(options, settings, previews, partial(_rolled_back, head, losing), consent_of(yes), began=began)


def _previewed(head: str | None, losing: Losing, setting: Setting) -> Rollback:
    """Preview with a sign of life; a function of a module, since other processes are given it."""
    from architect_migrate.runs.rehearsal.rollback import preview_rollback

    with sign_of_life(setting.environment.name) as told:
        return preview_rollback(setting, told, head, losing)


def _rolled_back(head: str | None, losing: Losing, setting: Setting, plan: Plan, told: Progress) -> Result:
    from architect_migrate.runs.rehearsal import rollback as service

    return service.rollback(setting, plan, told, head, losing)


def _shown(options: Options, setting: Setting, found: Rollback | ArchmigError) -> Result:
    """The preview's result; what came of its rehearsal is said on stderr."""
    if isinstance(found, ArchmigError):
        name, database = setting.environment.name, str(setting.environment.url)
        return Result(name, database, options.command, Outcome.FAILED, str(found), error=found)
    if found.rehearsal:
        from architect_migrate.cli.report.rehearsal import SLOWEST, rehearsal_text

        narrate(options, partial(rehearsal_text, found.rehearsal, setting.chain, SLOWEST))
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
    settings = to_read(options)
    found = tried_until_stopped(settings, partial(_pending, revision), options.jobs)
    report = profile_report(settings, found, revision, verbose=verbose)
    return present(options, worst(found, lambda profile: profile.exit_code), report)


def _chain(options: Options, revision: str | None, verbose: bool) -> int:
    from architect_migrate.cli.report.profiling import chain_profile_report
    from architect_migrate.runs.rehearsal.profiling import only, profile_chain

    source = source_in_use(options)
    with sign_of_life("the chain") as told:
        found = profile_chain(source, told, revision)
    found = only(found, source, revision) if revision else found
    return present(options, 0, chain_profile_report(found, revision, verbose=verbose))


def _pending(revision: str | None, setting: Setting) -> Profile:
    """Profile with a sign of life; a function of a module, since other processes are given it."""
    from architect_migrate.runs.rehearsal.profiling import only, profile_pending

    name = setting.environment.name
    with sign_of_life(name) as told:
        found = profile_pending(setting, told, revision)
    return only(found, setting.source, revision, name) if revision else found
