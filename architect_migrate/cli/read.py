"""The commands that only look: status, diagnose, check, history and pending."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import complain, paint, say, width, write
from architect_migrate.cli.log import known
from architect_migrate.cli.options import Grid, Notify, OneRevision, Verbose
from architect_migrate.cli.selection import chain_of, to_read
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.urls import mask
from architect_migrate.planning.results import Checked, Outcome
from architect_migrate.runs import observe
from architect_migrate.runs.fan_out import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from architect_migrate.config.context import Setting
    from architect_migrate.ledger.external_changes import Notice
    from architect_migrate.ledger.store import Entry
    from architect_migrate.model.revision_graph import Outline
    from architect_migrate.planning.results import Result


def status(options: Options, *, grid: Grid = False) -> int:
    """Show where every database is and what it claims.

    A gap is a revision that is not wholly there though a later one is; a tracker row is false when what it says is
    not so, and lacking when what is there was never recorded. tolerated: differences that no statement can tell,
    things that the chain does not know, and what a [[resolve]] entry keeps.
    """
    settings = to_read(options)
    outline, began = settings[0].chain, time.time()
    results = look(settings, options, partial(observe.observe, action="status"))
    last, notices = known(settings, results, began)
    code = could_read(results)
    if options.as_json:
        from architect_migrate.cli.report.documents import document, seen_json
        from architect_migrate.cli.report.ledger import notice_json

        told = (
            {**seen_json(it, outline, last.get(it.environment)), "notice": notice_json(notices.get(it.environment))}
            for it in results
        )
        write(document("status", code, told))
    elif grid:
        from architect_migrate.cli.report.status import grid_text

        write(grid_text(results, outline, paint(), width()))
    else:
        from architect_migrate.cli.report.status import status_text

        words = {name: _last_action(it, name in notices) for name, it in last.items()}
        write(status_text(results, outline, words, paint(), width()))
    if not options.as_json:
        _write_notices(notices)
    return code


def diagnose(options: Options, *, revision: OneRevision = None, verbose: Verbose = False) -> int:
    """Judge every revision by what of it is there.

    Then says what was found, and what to do about it.
    """
    settings = to_read(options)
    outline = settings[0].chain
    only = _one(outline, revision) if revision else None
    results = look(settings, options, partial(observe.examine, action="diagnose"))
    code = could_read(results)
    from architect_migrate.cli.report.diagnosis import brief_text, findings_of, full_text, revision_text

    if options.as_json:
        from architect_migrate.cli.report.documents import diagnosed_json, document

        told = (diagnosed_json(it, outline, findings_of(it), only) for it in results)
        write(document("diagnose", code, told))
        return code
    text = partial(revision_text, revision=only) if only else full_text if verbose else brief_text
    write("\n\n".join(text(it, outline=outline, paint=paint(), width=width()) for it in results))
    return code


def check(options: Options, *, notify: Notify = False) -> int:
    """Tell by the exit code whether all is well.

    0 when every database is at its target and clean (or empty, and to be skipped), 1 when one is not, 2 when it could
    not be told. With --notify a webhook or a command is told what came out otherwise than the last time.
    """
    if not notify:
        return _checked(options).exit_code
    from architect_migrate.cli.notify import channels, tell, tell_that_it_could_not

    who = channels(options)
    try:
        checked = _checked(options)
    except ArchmigError as error:
        tell_that_it_could_not(options, who, error)
        raise
    tell(options, who, checked)
    return checked.exit_code


def _checked(options: Options) -> Checked:
    """Check and show how it came out."""
    settings = to_read(options)
    outline, began = settings[0].chain, time.time()
    results = look(settings, options, partial(observe.observe, action="check"))
    words = tuple(
        observe.unclean(setting, it.survey) if it.survey else "" for setting, it in zip(settings, results, strict=True)
    )
    code = could_read(results) or int(any(words))
    _, notices = known(settings, results, began)
    if options.as_json:
        from architect_migrate.cli.report.documents import document, seen_json
        from architect_migrate.cli.report.ledger import notice_json

        told = (
            {
                **seen_json(it, outline),
                "clean": None if it.survey is None else not why,
                "why": why or None,
                "notice": notice_json(notices.get(it.environment)),
            }
            for it, why in zip(results, words, strict=True)
        )
        write(document("check", code, told))
    else:
        from architect_migrate.cli.report.outcome import check_text

        write(check_text(results, words, outline, paint(), width()))
        _write_notices(notices)
    return Checked(results, words, outline, code)


def pending(options: Options) -> int:
    """List what is left to run for each database."""
    settings = to_read(options)
    outline = settings[0].chain
    results = look(settings, options, partial(observe.observe, action="pending"))
    code = could_read(results)
    if options.as_json:
        from architect_migrate.cli.report.documents import document, seen_json

        write(document("pending", code, (seen_json(it, outline) for it in results)))
    else:
        from architect_migrate.cli.report.status import pending_text

        write(pending_text(results, outline, paint()))
    return code


def history(options: Options) -> int:
    """List the chain with its legacy numbers.

    Oldest first, with the numbers that the legacy tracker knew and knows it by. With environments named, each is
    shown at the newest revision that is there.
    """
    from architect_migrate.model.revision_graph import heads

    settings = to_read(options) if options.chosen else ()
    outline = settings[0].chain if settings else chain_of(options)
    results = look(settings, options, partial(observe.observe, action="history"))
    code = could_read(results)
    if options.as_json:
        from architect_migrate.cli.report.documents import document, history_json, seen_json

        told = (seen_json(it, outline) for it in results)
        write(document("history", code, told, revisions=history_json(outline)))
        return code
    from architect_migrate.cli.report.chain import history_text

    here: dict[str, list[str]] = {}
    for it in results:
        for top in heads(outline, it.survey.position) if it.survey else ():
            here.setdefault(top, []).append(it.environment)
    write(history_text(outline, here if settings else None, paint(), width()))
    return code


def look(settings: Iterable[Setting], options: Options, service: Callable[[Setting], Result]) -> tuple[Result, ...]:
    """The service's results; what failed is said on stderr."""
    results = tuple(each(settings, options.command, service, options.jobs))
    for it in results:
        lament(it, options)
    return results


def lament(result: Result, options: Options) -> None:
    """Say on stderr why an environment failed."""
    if result.outcome is not Outcome.FAILED:
        return
    name = f"{result.environment}: "
    complain(result.detail if result.detail.startswith(name) else name + result.detail)
    if options.debug and result.error and result.error.trace:
        say(mask(result.error.trace.rstrip()))


def warn(results: Iterable[Result]) -> None:
    """Say on stderr what there is to know of environments that did not fail."""
    for it in results:
        for warning in it.warnings:
            complain(f"{it.environment}: {warning}")


def could_read(results: tuple[Result, ...]) -> int:
    """2 where an environment could not be read, else 0."""
    return 2 if any(it.outcome is Outcome.FAILED for it in results) else 0


def _last_action(entry: Entry, changed: bool) -> str:
    ended = "" if entry.result == "done" else f" {entry.result}"
    return f"{entry.action}{ended} {entry.started_at[:16].replace('T', ' ')}" + ("*" if changed else "")


def _write_notices(notices: Mapping[str, Notice]) -> None:
    """What is no longer as archmig left it, after a report; that changes no exit code."""
    if notices:
        from architect_migrate.cli.report.ledger import notices_text

        write("\n" + "\n".join(notices_text(notices, paint(), width())))


def _one(outline: Outline, revision: str) -> str:
    from architect_migrate.core.chain_errors import UnknownRevisionError
    from architect_migrate.model.revision_graph import heads, position_at

    found = heads(outline, position_at(outline, revision))
    if len(found) != 1:
        raise UnknownRevisionError(revision, found, outline.order)
    return found[0]
