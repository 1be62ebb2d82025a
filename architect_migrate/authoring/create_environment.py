"""Creation of a feature environment: copies another one's database and lists it in environments.toml, or neither."""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.config.context import context_for
from architect_migrate.config.editor import apply_change, preview_change, raw_entry, with_entry
from architect_migrate.config.file_patterns import is_pattern
from architect_migrate.config.loader import as_written
from architect_migrate.core.atomic_files import created_folder
from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.core.errors import UsageError
from architect_migrate.core.interrupts import run_interruptible
from architect_migrate.core.text import pluralize
from architect_migrate.databases.registry import access, keeper
from architect_migrate.ledger.recorder import current_state, enter, fingerprint_facts, tool_versions
from architect_migrate.model.environment import select_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.core.interrupts import Interrupts
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.values import Backup
    from architect_migrate.model.environment import Environment, ProjectConfig, Resolution

_NOTHING = "nothing was written"
# The keys that are copied. Why not protected, requires and require_rehearsal: they guard important databases.
_COPIED = (
    *("uninitialised", "repair", "target", "heads", "lock_timeout", "lock_retries", "on_pending"),
    *("transaction", "proof_copy_limit"),
)
_BESIDE = ("-wal", "-shm", "-journal", ".archmig-lock")
_PLAIN = re.compile(r"[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class EnvironmentRequest:
    """Request for a feature environment: its name, its source, its path as it will be written, and its tags."""

    name: str
    source: str
    path: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Created:
    """A new feature environment; `elsewhere` are [[resolve]] entries that apply to its source only."""

    environment: Environment
    source: Environment
    path: Path
    copy: Backup
    elsewhere: tuple[Resolution, ...]
    warnings: tuple[str, ...] = ()


def create(
    project: ProjectConfig,
    environ: Mapping[str, str],
    cache: Path | None,
    wanted: EnvironmentRequest,
    progress: Callable[[str], None],
) -> Created:
    """Copy the source's database, verify the copy, and list it; `progress` receives texts about the copy.

    Raises ArchmigError; nothing remains of the environment then.
    """
    return run_interruptible(
        lambda interrupts: _created(project, environ, cache, wanted, progress=progress, interrupts=interrupts)
    )


def _created(
    project: ProjectConfig,
    environ: Mapping[str, str],
    cache: Path | None,
    wanted: EnvironmentRequest,
    *,
    progress: Callable[[str], None],
    interrupts: Interrupts,
) -> Created:
    started = time.time()
    source = select_one(project, wanted.source)
    context = context_for(project, source, cache)
    file = str(project.file)
    values = _values(project, source, wanted)
    comment = f"a copy of {source.name}, by archmig env create"
    change = partial(with_entry, name=wanted.name, values=values, comment=comment, file=file)
    foreseen = preview_change(project.file, environ, change)
    environment = select_one(foreseen, wanted.name)
    final = access.file_of(environment.url)
    _refuse_link(as_written(foreseen, wanted.name)[1])
    _refuse_place(project, environment.url, final)
    with _folder(final.parent):
        copy = keeper.clone(source.url, environment.url, progress)
        with _removed_on_error(final):
            _refuse_section(preview_change(project.file, environ, change), final)
            interrupts.refuse()
            # Why here: from the change of the file on, the environment exists and a Ctrl-C waits.
            interrupts.held = True
            after = apply_change(project.file, environ, change)
    environment = select_one(after, wanted.name)
    detail = f"a copy of {source.name}: {pluralize(copy.rows, 'row')} in {pluralize(copy.tables, 'table')}"
    warnings = _enter(replace(context, environment=environment), started, detail)
    return Created(environment, source, final, copy, _elsewhere(project, source, environment), warnings)


def _enter(context: EnvironmentContext, started: float, detail: str) -> tuple[str, ...]:
    """Append the ledger's entry with the new database's fingerprint. Why: later external changes are then detected."""
    stamp, fingerprint = current_state(context)
    facts = [*fingerprint_facts(None, fingerprint), *tool_versions()]
    return enter(context, "env create", started, stamps=((), stamp), detail=detail, facts=facts).warnings


def _values(project: ProjectConfig, source: Environment, wanted: EnvironmentRequest) -> dict[str, object]:
    """Return the values of the new entry: the source's policies, without those that guard it."""
    raw = raw_entry(project.file, source.section or source.name)
    if is_pattern(wanted.path):
        raise UsageError(f"the path {wanted.path} has a *, and would stand for any number of files", _NOTHING)
    values: dict[str, object] = {"path": wanted.path or _derived(raw, source.name, wanted.name)}
    if wanted.tags:
        values["tags"] = [*wanted.tags]
    values |= {key: raw[key] for key in _COPIED if key in raw}
    values |= {key: False for key in ("protected", "require_rehearsal") if getattr(project.defaults, key)}
    return values


def _derived(raw: Mapping[str, object], source: str, name: str) -> str:
    """Return the source's path with its name replaced by the new one, in the file's and the folder's name.

    Raises UsageError if the source has no path or its name is not in it.
    """
    written = raw.get("path")
    advice = f"name the new database with --path FILE; {_NOTHING}"
    if not _PLAIN.fullmatch(name) or name in {".", ".."}:
        raise UsageError(f"{name!r} cannot be the name of a file", advice)
    if isinstance(written, str) and is_pattern(written):
        raise UsageError(f"{source} is one of the files that {written} matches", advice)
    if not isinstance(written, str):
        raise UsageError(f"{source} has a url and no path", advice)
    *above, folder, file = ["", "", *written.split("/")]
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(source)}(?![A-Za-z0-9])")
    ends = [text if "${" in text else word.sub(lambda _: name, text) for text in (folder, file)]
    if ends == [folder, file]:
        raise UsageError(f"the path of {source}, {written}, does not contain its name", advice)
    return "/".join([*above, *ends]).removeprefix("//")


def _refuse_link(written: Path) -> None:
    if written.is_symlink():
        raise DatabaseError(str(written), "it is a link", f"{_NOTHING}: name the file itself with --path")


def _refuse_place(project: ProjectConfig, url: DatabaseUrl, final: Path) -> None:
    """Raise DatabaseError if the path exists or belongs to another environment's database."""
    for environment in project.environments:
        database = str(environment.url.path or "")
        # Why case is ignored: some file systems do not distinguish it.
        if database and str(final).casefold() == database.casefold():
            raise DatabaseError(str(final), f"it is the database of {environment.name} where case is ignored", _NOTHING)
        if any(f"{database}{ending}" == str(final) for ending in _BESIDE):
            raise DatabaseError(str(final), f"it belongs to the database of {environment.name}", _NOTHING)
    if os.path.lexists(final):
        raise DatabaseError(str(final), "it exists already", f"{_NOTHING}: choose another name or --path")
    if left := access.stray_journal(url):
        # Why: SQLite would take the journal for the new file's and apply it.
        advice = f"{_NOTHING}: move it away, or SQLite would apply it to the copy"
        raise DatabaseError(left, "belongs to a database that no longer exists", advice)


def _refuse_section(foreseen: ProjectConfig, final: Path) -> None:
    """Raise DatabaseError for a file that a pattern matches too. Why now: only a file that is there is matched."""
    for each in foreseen.environments:
        if each.section and each.url.path == final:
            problem = f"env.{each.section}.path matches it too, and it would be two environments"
            raise DatabaseError(str(final), problem, f"{_NOTHING}: choose another folder with --path")


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    try:
        with created_folder(folder):
            yield
    except OSError as error:
        raise DatabaseError(str(folder), error.strerror or str(error), _NOTHING) from error


@contextmanager
def _removed_on_error(final: Path) -> Iterator[None]:
    """Remove the new file if the block raises."""
    try:
        yield
    except BaseException:
        final.unlink(missing_ok=True)
        raise


def _elsewhere(project: ProjectConfig, source: Environment, environment: Environment) -> tuple[Resolution, ...]:
    new, old = environment.words, source.words
    return tuple(
        resolution
        for resolution in project.resolutions
        if resolution.environments & old and not resolution.environments & new
    )
