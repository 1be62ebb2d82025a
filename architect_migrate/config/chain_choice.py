"""Choice of the chain for commands without databases: from an environments.toml, or from an alembic.ini alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.config.loader import find_config, read_project
from architect_migrate.config.locate import named_config
from architect_migrate.core.errors import ConfigNotFoundError
from architect_migrate.model.environment import empty_project

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from architect_migrate.model.environment import ProjectConfig


def project_for_chain(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> ProjectConfig:
    """Return the project in use; without an environments.toml, an empty one for the alembic.ini given or in `cwd`.

    Raises ConfigNotFoundError, ConfigError.
    """
    if explicit is not None and explicit.suffix == ".ini":
        ini = (cwd / explicit).absolute()
        return replace(empty_project(ini.parent), script=ini)
    try:
        return read_project(find_config(explicit, environ, cwd), environ)
    except ConfigNotFoundError:
        if explicit is not None or named_config(environ) or not (cwd / "alembic.ini").is_file():
            raise
        return empty_project(cwd)


def labels_of(project: ProjectConfig) -> frozenset[str]:
    """Return the branch labels that environments list in their `heads`."""
    words = {word.removesuffix("@head") for environment in project.environments for word in environment.policies.heads}
    return frozenset(words - {"head", "heads"})
