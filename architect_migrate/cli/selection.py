"""Which environments a command works on: finds the configuration, selects, and makes the settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.config.context import settings_for
from architect_migrate.config.loader import environment_at, find_config, read_matrix
from architect_migrate.config.locate import named_config
from architect_migrate.core.errors import ConfigNotFoundError, UsageError
from architect_migrate.model.environment import Matrix, distinct, empty_matrix, everything, select
from architect_migrate.revisions.replay import cache_folder, source_of

if TYPE_CHECKING:
    from architect_migrate.cli.context import Options
    from architect_migrate.config.context import Setting
    from architect_migrate.model.environment import Environment
    from architect_migrate.model.revision_graph import Outline
    from architect_migrate.revisions.replay import Source


def matrix_of(options: Options) -> Matrix:
    """The matrix in use; where databases are named by path alone, none is needed."""
    try:
        return read_matrix(find_config(options.config, os.environ, Path.cwd()), os.environ)
    except ConfigNotFoundError:
        named = options.names or options.tags or options.everything
        if options.config or named_config(os.environ) or named or not options.paths:
            raise
        return empty_matrix(Path.cwd())


def to_read(options: Options) -> tuple[Setting, ...]:
    """The settings of what was named, of everything where nothing was."""
    matrix = matrix_of(options)
    return settings_for(matrix, to_look_at(matrix, options), cache())


def to_look_at(matrix: Matrix, options: Options) -> tuple[Environment, ...]:
    """The environments that were named, all of them where nothing was."""
    return _chosen(matrix, options) if options.chosen else everything(matrix)


def listed(options: Options) -> tuple[Matrix, tuple[Environment, ...]]:
    """The matrix and what was named of it, all of it where nothing was; the chain is not asked."""
    matrix = matrix_of(options)
    return matrix, _chosen(matrix, options) if options.chosen else matrix.environments


def to_change(options: Options) -> tuple[Setting, ...]:
    """The settings of what was named. Raises UsageError where nothing was."""
    if not options.chosen:
        advice = "name them with --env NAME, --tag TAG or --db PATH, or say --all"
        raise UsageError(f"archmig {options.command} changes databases, and none was named", advice)
    matrix = matrix_of(options)
    return settings_for(matrix, _chosen(matrix, options), cache())


def _chosen(matrix: Matrix, options: Options) -> tuple[Environment, ...]:
    by_path = tuple(environment_at(matrix, path) for path in options.paths)
    if not options.everything:
        return select(matrix, options.names, options.tags, by_path)
    if options.names or options.tags:
        raise UsageError("--all and a name or tag contradict each other", "write one of them")
    listed = everything(matrix)
    return distinct((*listed, *(it for it in by_path if it not in listed)))


def settings_named(matrix: Matrix, names: list[str]) -> tuple[Setting, ...]:
    """The settings of environments of these names."""
    return settings_for(matrix, select(matrix, names, ()), cache())


def chain_of(options: Options) -> Outline:
    """The chain in outline, where no database is named."""
    return source_in_use(options).outline


def source_in_use(options: Options) -> Source:
    """The chain, where no database is named."""
    return source_of(matrix_of(options).script, cache())


def cache() -> Path | None:
    """Where replays of the chain are remembered."""
    return cache_folder(os.environ)
