"""Choice of the chain, from an environments.toml or, where none is needed, from an alembic.ini or pyproject.toml."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.config.chain_place import chain_at, found_in
from architect_migrate.config.loader import find_config, read_project
from architect_migrate.config.locate import named_config
from architect_migrate.core.errors import ConfigNotFoundError
from architect_migrate.model.environment import empty_project

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from architect_migrate.model.environment import ProjectConfig


def project_for_chain(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> ProjectConfig:
    """Return the project in use; without an environments.toml, an empty one with the chain given or found in `cwd`.

    A chain is given by its alembic.ini or pyproject.toml. Raises ConfigNotFoundError, ConfigError.
    """
    if explicit is not None and (explicit.suffix == ".ini" or explicit.name == "pyproject.toml"):
        config = (cwd / explicit).absolute()
        return replace(empty_project(config.parent), chain=chain_at(config, config.parent))
    try:
        return read_project(find_config(explicit, environ, cwd), environ)
    except ConfigNotFoundError:
        if explicit is not None or named_config(environ) or found_in(cwd) is None:
            raise
        return project_without_file(cwd)


def project_without_file(folder: Path) -> ProjectConfig:
    """Return the configuration of a folder without environments.toml, with the chain that is found in it."""
    config, empty = found_in(folder), empty_project(folder)
    return replace(empty, chain=chain_at(config, folder)) if config else empty


def labels_of(project: ProjectConfig) -> frozenset[str]:
    """Return the branch labels that environments list in their `heads`."""
    words = {word.removesuffix("@head") for environment in project.environments for word in environment.policies.heads}
    return frozenset(words - {"head", "heads"})
