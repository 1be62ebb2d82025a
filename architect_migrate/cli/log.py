"""The commands that read the ledger: log and show. And what it gives away of databases that others look at."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.present import present
from architect_migrate.cli.selection import listed, project_of
from architect_migrate.cli.terminal import complain
from architect_migrate.core.errors import ArchmigError, LedgerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.ledger.external_changes import ExternalChange
    from architect_migrate.ledger.store import Entry
    from architect_migrate.planning.results import Result

_MOST = 25
_FAILED = frozenset({"failed", "blocked", "interrupted"})
Most = Annotated[
    int | None, typer.Option("--most", "-n", min=0, metavar="N", help=f"The newest N, not {_MOST}; 0 for all.")
]
Action = Annotated[
    list[str] | None,
    typer.Option("--action", metavar="WORD", help="Those whose action begins so, or has it as a word; repeatable."),
]
Failed = Annotated[bool, typer.Option("--failed", help="Those that did not end well: failed, blocked, interrupted.")]
Receipt = Annotated[int | None, typer.Argument(metavar="[RECEIPT]", min=1, help="Its number in archmig log.")]


def log(options: Options, *, most: Most = None, action: Action = None, failed: Failed = False) -> int:
    """List what archmig did, newest first.

    Every run, backup, restore and stamp, also those that failed or were blocked; times are UTC. Says on stderr which
    database is no longer as the last of them left it, and whether anybody has changed the ledger.
    """
    from architect_migrate.cli.report.ledger import Ledger, log_report
    from architect_migrate.config.context import ledger_of
    from architect_migrate.ledger import store

    project, chosen = listed(options)
    file = ledger_of(project)
    names = {environment.name for environment in chosen} if options.chosen else None
    urls = {str(environment.url) for environment in chosen}
    every = store.entries(file)
    found = [
        entry
        for entry in reversed(every)
        if (names is None or entry.environment in names or entry.database in urls)
        and (not failed or entry.result in _FAILED)
        and (not action or any(_acts(entry, word) for word in action))
    ]
    contexts = _contexts(options)
    external_changes = _external_changes(file, contexts)
    ledger = Ledger(file, every, _complaint(file))
    in_text, in_json = (_MOST, 0) if most is None else (most, most)
    return present(options, 0, log_report(ledger, found, contexts, external_changes, in_text=in_text, in_json=in_json))


def show(options: Options, receipt: Receipt = None) -> int:
    """Show all that the ledger knows of one run; without RECEIPT, of the newest.

    What was executed, inferred and forced, by which evidence, and what was proven.
    """
    from architect_migrate.cli.report.ledger import Ledger, show_report
    from architect_migrate.config.context import ledger_of
    from architect_migrate.ledger import store

    file = ledger_of(project_of(options))
    every = store.entries(file)
    number = receipt or (every[-1].number if every else 0)
    found = next((entry for entry in every if entry.number == number), None)
    if every and found is None:
        raise UsageError(f"{file} has no entry {number}", f"its newest is {every[-1].number}: archmig log lists them")
    return present(options, 0, show_report(Ledger(file, every, _complaint(file)), found))


def known(
    contexts: Sequence[EnvironmentContext], results: Iterable[Result], began: float
) -> tuple[dict[str, Entry], dict[str, ExternalChange]]:
    """The newest entry of each environment, and what is no longer as archmig left it; no ledger is made by looking.

    `results` are of looking at the databases, which `began` then (of time.time()).
    """
    file = contexts[0].ledger
    if not os.access(file, os.F_OK) and not _hidden(file):
        return {}, {}
    from architect_migrate.ledger import external_changes, store

    try:
        newest = store.latest(file, [context.environment.name for context in contexts])
        return newest, external_changes.external_changes_since(file, results, newest, began)
    except LedgerError as error:
        complain(str(error))
        return {}, {}


def _hidden(file: Path) -> bool:
    """Whether nobody can tell if there is a ledger: reading it says why."""
    return file.parent.is_dir() and not os.access(file.parent, os.X_OK)


def _acts(entry: Entry, word: str) -> bool:
    return entry.action.startswith(word) or word in entry.action.split()


def _complaint(file: Path) -> str:
    """What is wrong with the ledger, which is said on stderr."""
    from architect_migrate.ledger import store

    if problem := store.problem(file):
        complain(f"{file}: {problem}: somebody has changed the ledger, and what it says from there on proves nothing")
    return problem


def _contexts(options: Options) -> tuple[EnvironmentContext, ...]:
    """The settings of the environments; none where the chain cannot be read, of which the ledger is no part."""
    from architect_migrate.cli.selection import cache
    from architect_migrate.config.context import contexts_for

    with suppress(ArchmigError):
        return contexts_for(*listed(options), cache())
    return ()


def _external_changes(file: Path, contexts: Iterable[EnvironmentContext]) -> dict[str, ExternalChange]:
    if not file.exists():
        return {}
    from architect_migrate.databases import access
    from architect_migrate.ledger import store
    from architect_migrate.ledger.external_changes import external_change_of
    from architect_migrate.ledger.recorder import standing

    seen, began = [], time.time()
    for context in contexts:
        stamp, fingerprint = standing(context)
        url = context.environment.url
        if fingerprint or (url.path and access.is_empty(url)):
            seen.append((context.environment.name, str(context.environment.url), stamp, fingerprint))
    return external_change_of(file, seen, store.latest(file, [name for name, *_ in seen]), began)
