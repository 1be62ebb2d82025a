"""The commands that read the ledger: log and show; and what the ledger knows, for the reports of other commands."""

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
from architect_migrate.databases.registry import access

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
    int | None,
    typer.Option("--most", "-n", min=0, metavar="N", help=f"Show the newest N, by default {_MOST}; 0 shows all."),
]
Action = Annotated[
    list[str] | None,
    typer.Option(
        "--action", metavar="WORD", help="Show actions that start with WORD or contain it as a word; repeatable."
    ),
]
Failed = Annotated[bool, typer.Option("--failed", help="Show only what failed, was blocked or was interrupted.")]
Receipt = Annotated[
    int | None, typer.Argument(metavar="[RECEIPT]", min=1, help="The number of the entry in archmig log.")
]


def log(options: Options, *, most: Most = None, action: Action = None, failed: Failed = False) -> int:
    """List what archmig did, newest first.

    Lists every run, backup, restore and stamp, also those that failed or were blocked. Times are UTC. Warnings on
    stderr name the databases that have changed since the last run, and tell if the ledger itself was altered.
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
    """Show one entry of the log in full, by default the newest.

    The entry says what was executed, inferred and forced, on which evidence, and what was proven.
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
    """The newest ledger entry of each environment, and changes since archmig's last run, by environment.

    `results` are surveys of the databases that began at `began`, a value of time.time(). A ledger that does not exist
    is not created.
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
    """Whether the ledger's folder cannot be searched, so that only an attempt to read the ledger says why."""
    return file.parent.is_dir() and not os.access(file.parent, os.X_OK)


def _acts(entry: Entry, word: str) -> bool:
    return entry.action.startswith(word) or word in entry.action.split()


def _complaint(file: Path) -> str:
    """Check the ledger; a problem is printed on stderr and returned."""
    from architect_migrate.ledger import store

    if problem := store.problem(file):
        complain(f"{file}: {problem}: the ledger was altered, and its entries from there on prove nothing")
    return problem


def _contexts(options: Options) -> tuple[EnvironmentContext, ...]:
    """The contexts of the environments; none where the chain cannot be read, which the ledger does not need."""
    from architect_migrate.cli.selection import cache
    from architect_migrate.config.context import contexts_for

    with suppress(ArchmigError):
        return contexts_for(*listed(options), cache())
    return ()


def _external_changes(file: Path, contexts: Iterable[EnvironmentContext]) -> dict[str, ExternalChange]:
    if not file.exists():
        return {}
    from architect_migrate.ledger import store
    from architect_migrate.ledger.external_changes import external_change_of
    from architect_migrate.ledger.recorder import current_state

    seen, began = [], time.time()
    for context in contexts:
        stamp, fingerprint = current_state(context)
        url = context.environment.url
        if fingerprint or (url.path and access.is_empty(url)):
            seen.append((context.environment.name, str(context.environment.url), stamp, fingerprint))
    return external_change_of(file, seen, store.latest(file, [name for name, *_ in seen]), began)
