"""The commands that only look: status, diagnose, check, history and pending."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.context import Options
from architect_migrate.cli.gather import could_read, surveyed
from architect_migrate.cli.log import known
from architect_migrate.cli.options import Grid, Notify, OneRevision, Verbose
from architect_migrate.cli.present import present
from architect_migrate.cli.selection import chain_of, to_read
from architect_migrate.core.errors import ArchmigError
from architect_migrate.planning.results import Checked
from architect_migrate.runs import observe

if TYPE_CHECKING:
    from architect_migrate.model.revision_graph import RevisionGraph


def status(options: Options, *, grid: Grid = False) -> int:
    """Show where every database is and what it claims.

    A gap is a revision that is not wholly there though a later one is; a tracker row is false when what it says is
    not so, and lacking when what is there was never recorded. tolerated: differences that no statement can tell,
    things that the chain does not know, and what a [[resolve]] entry keeps.
    """
    from architect_migrate.cli.report.status import grid_report, status_report

    contexts = to_read(options)
    graph, began = contexts[0].chain, time.time()
    results = surveyed(contexts, options, partial(observe.observe, action="status"))
    last, external_changes = known(contexts, results, began)
    report = grid_report if grid else status_report
    return present(options, could_read(results), report(results, graph, last, external_changes))


def diagnose(options: Options, *, revision: OneRevision = None, verbose: Verbose = False) -> int:
    """Judge every revision by what of it is there.

    Then says what was found, and what to do about it.
    """
    from architect_migrate.cli.report.diagnosis import diagnosis_report

    contexts = to_read(options)
    graph = contexts[0].chain
    only = _one(graph, revision) if revision else None
    results = surveyed(contexts, options, partial(observe.examine, action="diagnose"))
    return present(options, could_read(results), diagnosis_report(results, graph, only, verbose=verbose))


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
    from architect_migrate.cli.report.check import check_report

    contexts = to_read(options)
    graph, began = contexts[0].chain, time.time()
    results = surveyed(contexts, options, partial(observe.observe, action="check"))
    words = tuple(
        observe.unclean(context, result.survey) if result.survey else ""
        for context, result in zip(contexts, results, strict=True)
    )
    code = could_read(results) or int(any(words))
    _, external_changes = known(contexts, results, began)
    checked = Checked(results, words, graph, code)
    present(options, code, check_report(checked, external_changes))
    return checked


def pending(options: Options) -> int:
    """List what is left to run for each database."""
    from architect_migrate.cli.report.status import pending_report

    contexts = to_read(options)
    # Why first: a chain that cannot be replayed is told once, and not for every database.
    graph = contexts[0].chain
    results = surveyed(contexts, options, partial(observe.observe, action="pending"))
    return present(options, could_read(results), pending_report(results, graph))


def history(options: Options) -> int:
    """List the chain with its legacy numbers.

    Oldest first, with the numbers that the legacy tracker knew and knows it by. With environments named, each is
    shown at the newest revision that is there.
    """
    from architect_migrate.cli.report.history import history_report

    contexts = to_read(options) if options.chosen else ()
    graph = contexts[0].chain if contexts else chain_of(options)
    results = surveyed(contexts, options, partial(observe.observe, action="history"))
    return present(options, could_read(results), history_report(graph, results if contexts else None))


def _one(graph: RevisionGraph, revision: str) -> str:
    from architect_migrate.core.chain_errors import UnknownRevisionError
    from architect_migrate.model.revision_graph import heads, position_at

    found = heads(graph, position_at(graph, revision))
    if len(found) != 1:
        raise UnknownRevisionError(revision, found, graph.order)
    return found[0]
