"""The commands that try things on copies: rehearse, verify and profile. The databases themselves are only read."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.change import consent_of, go_on
from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import complain, on_terminal, paint, say, width, write
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
from architect_migrate.cli.read import lament, warn
from architect_migrate.cli.selection import source_in_use, to_change, to_read
from architect_migrate.core.errors import ArchmigError, StoppedError
from architect_migrate.planning.results import Outcome, Result
from architect_migrate.runs.fan_out import attempts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from architect_migrate.config.context import Setting
    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Progress
    from architect_migrate.runs.rehearsal.profiling import Profile
    from architect_migrate.runs.rehearsal.results import Rehearsal
    from architect_migrate.runs.rehearsal.rollback import Losing, Rollback
    from architect_migrate.runs.rehearsal.verify import Audit

    Value = TypeVar("Value")


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
    from architect_migrate.cli.report.rehearsal import SLOWEST, rehearsal_text
    from architect_migrate.runs.rehearsal import rehearse as service
    from architect_migrate.runs.rehearsal.results import Way

    settings = to_read(options)
    outline = settings[0].chain
    way = Way.THERE_AND_BACK if roundtrip else Way.THERE
    found = tried(options, settings, partial(_rehearsed, service.rehearse, command, revision, way))
    code = worst(found, lambda it: it.exit_code)
    if options.as_json:
        from architect_migrate.cli.report.documents import document
        from architect_migrate.cli.report.rehearsal import rehearsal_json, untold_json

        told = (
            untold_json(setting, it) if isinstance(it, ArchmigError) else rehearsal_json(it, outline)
            for setting, it in zip(settings, found, strict=True)
        )
        write(document(options.command, code, told))
        return code
    rehearsals = [it for it in found if not isinstance(it, ArchmigError)]
    if rehearsals:
        most = None if verbose else SLOWEST
        write("\n\n".join(rehearsal_text(it, outline, most, paint(), width()) for it in rehearsals))
    for it in rehearsals:
        lament(it.result, options)
    warn(it.result for it in rehearsals)
    return code


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
    from architect_migrate.cli.report.verify import audit_text

    settings = to_read(options)
    outline = settings[0].chain
    found = tried(options, settings, _audited)
    code = worst(found, lambda it: int(not it.sound))
    if options.as_json:
        from architect_migrate.cli.report.documents import document
        from architect_migrate.cli.report.rehearsal import untold_json
        from architect_migrate.cli.report.verify import audit_json

        told = (
            untold_json(setting, it) if isinstance(it, ArchmigError) else audit_json(it, outline)
            for setting, it in zip(settings, found, strict=True)
        )
        write(document(options.command, code, told))
        return code
    texts = [audit_text(it, outline, paint(), width()) for it in found if not isinstance(it, ArchmigError)]
    if texts:
        write("\n\n".join(texts))
    return code


def _audited(setting: Setting) -> Audit:
    """Audit with a sign of life; a function of a module, since other processes are given it."""
    from architect_migrate.runs.rehearsal.verify import audit

    with sign_of_life(setting.environment.name) as told:
        return audit(setting, told)


def tried(
    options: Options, settings: tuple[Setting, ...], service: Callable[[Setting], Value]
) -> tuple[Value | ArchmigError, ...]:
    """The service's value for every environment, or what it raised, which is said on stderr.

    After a Ctrl-C the rest are StoppedError.
    """
    found: list[Value | ArchmigError] = []
    with suppress(KeyboardInterrupt):
        for setting, it in zip(settings, attempts(settings, service, options.jobs), strict=True):
            if isinstance(it, ArchmigError):
                name = f"{setting.environment.name}: "
                complain(str(it) if str(it).startswith(name) else f"{name}{it}")
            found.append(it)
    return tuple(found)


def worst(found: tuple[Value | ArchmigError, ...], code: Callable[[Value], int]) -> int:
    """130 where a Ctrl-C stopped one, 2 where one could not be done, else the highest of their codes."""
    if any(isinstance(it, StoppedError) for it in found):
        return 130
    return max((2 if isinstance(it, ArchmigError) else code(it) for it in found), default=0)


@contextmanager
def sign_of_life(name: str) -> Iterator[Progress]:
    """On a terminal, a line that says what is being done to a copy; nothing elsewhere, or of several at once."""
    from multiprocessing import parent_process

    if not on_terminal(sys.stderr) or os.environ.get("TERM") == "dumb" or parent_process() is not None:
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    with console.status(escape(f"{name}: copying")) as line:
        yield lambda _number, _total, words: line.update(escape(f"{name}: {words}"[:80]))


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
    found = tried(options, settings, partial(_previewed, head, losing))
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
    if found.rehearsal and not options.as_json:
        from architect_migrate.cli.report.layout import plain
        from architect_migrate.cli.report.rehearsal import SLOWEST, rehearsal_text

        say(rehearsal_text(found.rehearsal, setting.chain, SLOWEST, plain, width()))
    lament(found.result, options)
    return found.result


def profile(options: Options, revision: Measured = None, *, verbose: EveryStep = False) -> int:
    """Measure what each revision costs: time, statements, rows, and what they are spent on.

    With --env on a copy of the database, for what is left to run there; else the whole chain on an empty one. With REV
    that revision alone, statement by statement.
    """
    if not options.chosen:
        return _chain(options, revision, verbose)
    settings = to_read(options)
    found = tried(options, settings, partial(_pending, revision))
    code = worst(found, lambda it: it.exit_code)
    if options.as_json:
        from architect_migrate.cli.report.documents import document

        write(document(options.command, code, (_told(*it) for it in zip(settings, found, strict=True))))
        return code
    profiles = [it for it in found if not isinstance(it, ArchmigError)]
    if profiles:
        write("\n\n".join(_text(it, revision, verbose) for it in profiles))
    return code


def _chain(options: Options, revision: str | None, verbose: bool) -> int:
    from architect_migrate.runs.rehearsal.profiling import only, profile_chain

    source = source_in_use(options)
    with sign_of_life("the chain") as told:
        found = profile_chain(source, told, revision)
    found = only(found, source, revision) if revision else found
    if options.as_json:
        from architect_migrate.cli.report.documents import document
        from architect_migrate.cli.report.profiling import profile_json

        write(document(options.command, 0, (), chain=profile_json(found)))
    else:
        write(_text(found, revision, verbose))
    return 0


def _pending(revision: str | None, setting: Setting) -> Profile:
    """Profile with a sign of life; a function of a module, since other processes are given it."""
    from architect_migrate.runs.rehearsal.profiling import only, profile_pending

    name = setting.environment.name
    with sign_of_life(name) as told:
        found = profile_pending(setting, told, revision)
    return only(found, setting.source, revision, name) if revision else found


def _text(found: Profile, revision: str | None, verbose: bool) -> str:
    from architect_migrate.cli.report.profiling import SLOWEST, STATEMENTS, profile_text, step_text

    if found.exit_code and found.result:
        from architect_migrate.cli.report.diagnosis import blockers_text

        return blockers_text(found.result, paint(), width())
    if revision:
        return step_text(found, None if verbose else STATEMENTS, paint(), width())
    return profile_text(found, None if verbose else SLOWEST, paint(), width())


def _told(setting: Setting, found: Profile | ArchmigError) -> dict[str, object]:
    from architect_migrate.cli.report.profiling import profile_json
    from architect_migrate.cli.report.rehearsal import untold_json
    from architect_migrate.core.urls import mask

    if isinstance(found, ArchmigError):
        return untold_json(setting, found)
    assert found.result is not None
    name, outcome = setting.environment.name, found.result.outcome.name.lower()
    told = {"name": name, "database": mask(str(setting.environment.url)), "error": None, "outcome": outcome}
    return {**told, "detail": found.result.detail, **profile_json(found)}
