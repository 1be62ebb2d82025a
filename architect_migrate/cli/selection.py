"""Which environments a command works on: finds the configuration, selects, and makes the settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.config.context import contexts_for
from architect_migrate.config.loader import environment_at, find_config, read_project
from architect_migrate.config.locate import named_config
from architect_migrate.core.errors import ConfigNotFoundError, UsageError
from architect_migrate.model.environment import ProjectConfig, distinct, empty_project, everything, select
from architect_migrate.revisions.replay import cache_folder, source_of

if TYPE_CHECKING:
    from architect_migrate.cli.context import Options
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.environment import Environment
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.revisions.replay import Source


def project_of(options: Options) -> ProjectConfig:
    """The matrix in use; where databases are named by path alone, none is needed."""
    try:
        return read_project(find_config(options.config, os.environ, Path.cwd()), os.environ)
    except ConfigNotFoundError:
        named = options.names or options.tags or options.everything
        if options.config or named_config(os.environ) or named or not options.paths:
            raise
        return empty_project(Path.cwd())


def to_read(options: Options) -> tuple[EnvironmentContext, ...]:
    """The settings of what was named, of everything where nothing was."""
    project = project_of(options)
    return contexts_for(project, to_look_at(project, options), cache())


def to_look_at(project: ProjectConfig, options: Options) -> tuple[Environment, ...]:
    """The environments that were named, all of them where nothing was."""
    return _chosen(project, options) if options.chosen else everything(project)


def listed(options: Options) -> tuple[ProjectConfig, tuple[Environment, ...]]:
    """The matrix and what was named of it, all of it where nothing was; the chain is not asked."""
    project = project_of(options)
    return project, _chosen(project, options) if options.chosen else project.environments


def to_change(options: Options) -> tuple[EnvironmentContext, ...]:
    """The settings of what was named. Raises UsageError where nothing was."""
    if not options.chosen:
        advice = "name them with --env NAME, --tag TAG or --db PATH, or say --all"
        raise UsageError(f"archmig {options.command} changes databases, and none was named", advice)
    project = project_of(options)
    return contexts_for(project, _chosen(project, options), cache())


def _chosen(project: ProjectConfig, options: Options) -> tuple[Environment, ...]:
    by_path = tuple(environment_at(project, path) for path in options.paths)
    if not options.everything:
        return select(project, options.names, options.tags, by_path)
    if options.names or options.tags:
        raise UsageError("--all and a name or tag contradict each other", "write one of them")
    listed = everything(project)
    return distinct((*listed, *(environment for environment in by_path if environment not in listed)))


def contexts_named(project: ProjectConfig, names: list[str]) -> tuple[EnvironmentContext, ...]:
    """The settings of environments of these names."""
    return contexts_for(project, select(project, names, ()), cache())


def chain_of(options: Options) -> RevisionGraph:
    """The chain in outline, where no database is named."""
    return source_in_use(options).graph


def source_in_use(options: Options) -> Source:
    """The chain, where no database is named."""
    return source_of(project_of(options).script, cache())


def cache() -> Path | None:
    """Where replays of the chain are remembered."""
    return cache_folder(os.environ)
