"""The command `profile`: what revisions cost, on an empty database or on copies."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.exit import write
from architect_migrate.cli.rehearse import sign_of_life, tried, worst
from architect_migrate.cli.screen import paint, width
from architect_migrate.cli.selection import source_in_use, to_read
from architect_migrate.core.errors import ArchmigError

if TYPE_CHECKING:
    from architect_migrate.cli.context import Options
    from architect_migrate.cli.options import EveryStep, Measured
    from architect_migrate.config.context import Setting
    from architect_migrate.runs.rehearsal.profiling import Profile


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
    from architect_migrate.cli.report.rehearsal_json import untold_json
    from architect_migrate.core.urls import mask

    if isinstance(found, ArchmigError):
        return untold_json(setting, found)
    assert found.result is not None
    name, outcome = setting.environment.name, found.result.outcome.name.lower()
    told = {"name": name, "database": mask(str(setting.environment.url)), "error": None, "outcome": outcome}
    return {**told, "detail": found.result.detail, **profile_json(found)}
