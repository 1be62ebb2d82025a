"""Removal of a feature environment from environments.toml, and of its database after a last verified backup."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.backups import service as backups
from architect_migrate.config.context import context_for
from architect_migrate.config.editor import apply_change, preview_change, without_entry
from architect_migrate.config.policies import may_be_changed
from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.core.errors import EntryError
from architect_migrate.core.interrupts import run_interruptible
from architect_migrate.databases.registry import access
from architect_migrate.ledger.recorder import enter, entered_on_failure
from architect_migrate.model.environment import select_one

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.core.interrupts import Interrupts
    from architect_migrate.model.environment import Environment, ProjectConfig

_NOTHING = "nothing was changed"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A feature environment that was removed from environments.toml.

    `backup` is the backup of its database, None if that defined nothing or remains; `removed` is its file, if removed.
    """

    environment: Environment
    backup: Path | None = None
    removed: Path | None = None
    warnings: tuple[str, ...] = ()


def droppable(project: ProjectConfig, environ: Mapping[str, str], name: str) -> Environment:
    """Return the environment if it can be dropped; nothing is changed.

    Raises EntryError if it cannot, ConfigError and UnknownEnvironmentError.
    """
    file, environment = str(project.file), select_one(project, name)
    if environment.section:
        why = f"is one of the files that env.{environment.section}.path matches"
        raise EntryError(file, name, why, f"{_NOTHING}: to be rid of it, move its file away")
    waiting = [each.name for each in project.environments if name in each.requires]
    if not may_be_changed(environment):
        raise EntryError(file, name, "is protected", f"{_NOTHING}: to drop it, remove protected = true first")
    if project.default_environment == name:
        raise EntryError(
            file, name, "is the default environment", f"{_NOTHING}: change environment in [defaults] first"
        )
    if waiting:
        raise EntryError(file, name, f"is required by {', '.join(waiting)}", f"{_NOTHING}: change requires there first")
    entries = [resolution.origin.entry for resolution in project.resolutions if name in resolution.environments]
    if entries and not any(name in other.tags for other in project.environments if other is not environment):
        places = ", ".join(f"resolve[{entry}]" for entry in entries)
        raise EntryError(file, name, f"is named by {places}", f"{_NOTHING}: remove it from environments there first")
    preview_change(project.file, environ, partial(without_entry, name=name, file=file))
    return environment


def drop(project: ProjectConfig, environ: Mapping[str, str], cache: Path | None, name: str) -> Dropped:
    """Back up an environment's database, remove its entry, and remove the database, under an exclusive lock.

    Raises ArchmigError; nothing has changed then unless the message says otherwise.
    """
    context = context_for(project, droppable(project, environ, name), cache)
    started = time.time()
    with entered_on_failure(context, "env drop", started):
        return run_interruptible(lambda interrupts: _dropped(project, environ, context, started, interrupts))


def forget(project: ProjectConfig, environ: Mapping[str, str], cache: Path | None, name: str) -> Dropped:
    """Remove an environment's entry and leave its database in place. Raises as `drop`."""
    started = time.time()
    context = context_for(project, droppable(project, environ, name), cache)
    _remove_entry(project, environ, name)
    entered = enter(context, "env drop", started, detail="its database was left where it is")
    return Dropped(context.environment, warnings=entered.warnings)


def _remove_entry(project: ProjectConfig, environ: Mapping[str, str], name: str) -> None:
    apply_change(project.file, environ, partial(without_entry, name=name, file=str(project.file)))


def _dropped(
    project: ProjectConfig,
    environ: Mapping[str, str],
    context: EnvironmentContext,
    started: float,
    interrupts: Interrupts,
) -> Dropped:
    name, path = context.environment.name, access.file_of(context.environment.url)
    if not os.path.lexists(path):
        _remove_entry(project, environ, name)
        entered = enter(context, "env drop", started, detail="there was no database")
        return Dropped(context.environment, warnings=entered.warnings)
    with access.exclusive(context.environment.url, context.environment.policies.lock_timeout) as connection:
        _refuse_open(context.environment)
        copy = backups.take_unless_empty(context, "env drop", connection)
        interrupts.refuse()
        # Why here: from the change of the file on, the removal must be completed.
        interrupts.held = True
        # Why the entry first: a later run may create a listed database again; a file that is not listed is harmless.
        _remove_entry(project, environ, name)
        _remove_database(project, context.environment)
    kept, detail = (copy.path if copy else None), f"removed {path}"
    entered = enter(context, "env drop", started, backup=str(kept or ""), detail=detail)
    return Dropped(context.environment, kept, path, entered.warnings)


def _refuse_open(environment: Environment) -> None:
    """Raise DatabaseError if another process has the database open. Why: it would write to a deleted file."""
    if others := access.openers(environment.url):
        problem = f"is open in {', '.join(others[:3])}"
        raise DatabaseError(
            access.location(environment.url), problem, f"{_NOTHING}: stop these processes, or pass --keep-file"
        )


def _remove_database(project: ProjectConfig, environment: Environment) -> None:
    """Remove the database. Raises EntryError if that fails."""
    try:
        access.remove(environment.url)
    except OSError as error:
        path = access.location(environment.url)
        problem = f"was removed from the file, but its database {path} cannot be removed: {error.strerror or error}"
        raise EntryError(str(project.file), environment.name, problem, "remove it by hand") from error
