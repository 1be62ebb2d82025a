"""The commands that only read: status, current, diagnose, check, pending and history."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.context import Options
from architect_migrate.cli.gather import could_read, surveyed
from architect_migrate.cli.log import known
from architect_migrate.cli.options import Grid, Notify, OneRevision, Verbose
from architect_migrate.cli.present import present
from architect_migrate.cli.selection import chain_of, some_unlisted, to_read
from architect_migrate.core.errors import ArchmigError
from architect_migrate.planning.results import Checked
from architect_migrate.runs import observe

if TYPE_CHECKING:
    from architect_migrate.model.revision_graph import RevisionGraph


def status(options: Options, *, grid: Grid = False) -> int:
    """Show where each database is on the chain and what it claims.

    A gap is a revision that is not complete although a later one is there. A row of the legacy tracker is false if
    its revision is not there, and lacking if a revision is there without a row. Tolerated are cosmetic differences,
    objects that the chain does not know, and what a [[resolve]] entry keeps.
    """
    from architect_migrate.cli.report.status import grid_report, status_report, with_warnings

    contexts = to_read(options)
    graph, began = contexts[0].chain, time.time()
    results = surveyed(contexts, options, partial(observe.observe, action="status"))
    last, external_changes = known(contexts, results, began)
    report = grid_report if grid else status_report
    shown = with_warnings(report(results, graph, last, external_changes), options.told)
    return present(options, could_read(results), shown)


def current(options: Options) -> int:
    """Show the revision of each database.

    It is the revision that the schema proves. Where Alembic's stamp says something else, that is shown beside it.
    """
    from architect_migrate.cli.report.current import current_report

    contexts = to_read(options)
    graph = contexts[0].chain
    results = surveyed(contexts, options, partial(observe.observe, action="current"))
    return present(options, could_read(results), current_report(results, graph))


def diagnose(options: Options, *, revision: OneRevision = None, verbose: Verbose = False) -> int:
    """Judge each revision by what of it the database has.

    Below the verdicts are the findings, each with what to do about it.
    """
    from architect_migrate.cli.report.diagnosis import diagnosis_report

    contexts = to_read(options)
    graph = contexts[0].chain
    only = _one(graph, revision) if revision else None
    results = surveyed(contexts, options, partial(observe.examine, action="diagnose"))
    return present(options, could_read(results), diagnosis_report(results, graph, only, verbose=verbose))


def check(options: Options, *, notify: Notify = False) -> int:
    """Exit with 0 if all databases are at their target and clean.

    Exit code 1: a database is not at its target, or differs from the chain. Exit code 2: a database could not be
    checked. An empty database is clean where its policy is to skip it.
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
    """Check the databases and print the verdicts."""
    from architect_migrate.cli.report.check import check_report

    contexts = to_read(options)
    graph, began = contexts[0].chain, time.time()
    results = surveyed(contexts, options, partial(observe.observe, action="check"))
    words = tuple(
        observe.unclean(context, result.survey) if result.survey else ""
        for context, result in zip(contexts, results, strict=True)
    )
    code = 2 if some_unlisted(options) else could_read(results) or int(any(words))
    _, external_changes = known(contexts, results, began)
    checked = Checked(results, words, graph, code)
    present(options, code, check_report(checked, external_changes))
    return checked


def pending(options: Options) -> int:
    """List the revisions that are left to run on each database."""
    from architect_migrate.cli.report.status import pending_report

    contexts = to_read(options)
    # Why first: a chain that cannot be replayed is reported once, not for each database.
    graph = contexts[0].chain
    results = surveyed(contexts, options, partial(observe.observe, action="pending"))
    return present(options, could_read(results), pending_report(results, graph))


def history(options: Options) -> int:
    """List the revisions of the chain, oldest first.

    Each has its number in the legacy tracker, and the numbers it had before. Environments that are named are shown
    beside their newest revision.
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
