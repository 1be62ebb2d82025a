"""The context of one plain `alembic` command: the command, the chain, the environment and its database."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architect_migrate.config.context import as_listed
from architect_migrate.config.loader import environment_at, find_config, read_project
from architect_migrate.config.locate import named_config, named_environment
from architect_migrate.core.chain_errors import AlembicOptionError, NoDatabaseChosenError, OtherChainError
from architect_migrate.core.errors import ConfigNotFoundError, nearest
from architect_migrate.databases.registry import access, fold_of
from architect_migrate.model.environment import Environment, ProjectConfig, empty_project, resolutions_for, select_one
from architect_migrate.revisions.replay import cache_folder, source_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.environment import Environment, ProjectConfig, Resolution
    from architect_migrate.revisions.replay import Source


@dataclass(frozen=True, slots=True)
class Job:
    """One alembic command on one environment; `command` is empty where a program calls Alembic as a library."""

    command: str
    purge: bool
    chain: ChainConfig
    project: ProjectConfig
    environment: Environment


def resolutions_of(job: Job) -> tuple[Resolution, ...]:
    """Return the [[resolve]] entries that apply to the job's database."""
    return resolutions_for(job.project, job.environment, fold_of(job.environment.url))


def job_of(config: Any, options: Options) -> Job:
    """Read the job from Alembic's configuration and the -x options. Raises as `choose`."""
    ini = Path(config.config_file_name or "alembic.ini").absolute()
    project, environment = choose(options, ini, os.environ, Path.cwd())
    chosen = getattr(config.cmd_opts, "cmd", None)
    purge = bool(getattr(config.cmd_opts, "purge", False))
    command = chosen[0].__name__ if chosen else ""
    chain = replace(project.chain, ini=ini, engine=environment.engine)
    return Job(command, purge, chain, project, environment)


def title(job: Job) -> str:
    """The environment with its file; only the file if the environment is named by it."""
    place = access.location(job.environment.url)
    return f"{job.environment.name}: {place}" if job.environment.name != place else place


def bookkeeping(job: Job, version_table: str) -> tuple[str, ...]:
    """The tables that record a database's position, which belong to no schema of the chain."""
    return (version_table, job.project.tracker.table) if job.project.tracker else (version_table,)


def source_for(job: Job) -> Source:
    """The chain as the environment sees it."""
    return as_listed(source_of(job.chain, cache_folder(os.environ)), job.project, job.environment)


_KNOWN = ("db", "env", "yes")


@dataclass(frozen=True, slots=True)
class Options:
    """The values of `-x env=NAME`, `-x db=PATH` and `-x yes=NAME`; empty if not given."""

    env: str = ""
    db: str = ""
    yes: str = ""


def read_options(words: Iterable[str]) -> Options:
    """Read the -x options of one command. Raises AlembicOptionError.

    Why unknown options are errors: a misspelt option must not select the default database.
    """
    values: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in _KNOWN:
            shown = name if name.isidentifier() and len(name) <= 40 else "option"
            raise AlembicOptionError(f"{shown}: not known", nearest(name, _KNOWN))
        if name in values:
            raise AlembicOptionError(f"{name}: given twice", "give it once")
        if not value:
            raise AlembicOptionError(f"{name}: has no value", f"write -x {name}=VALUE")
        values[name] = value
    options = Options(**values)
    if options.env and options.db:
        raise AlembicOptionError("env and -x db: both name a database", "give one of them")
    if "://" in options.db:
        raise AlembicOptionError("db: takes the path of a file, not a URL", "give the URL an environment, and -x env")
    return options


def choose(options: Options, ini: Path, environ: Mapping[str, str], cwd: Path) -> tuple[ProjectConfig, Environment]:
    """Choose the environment, and return it with the project's configuration.

    environments.toml is the one that ARCHMIG_CONFIG names, else the one beside `ini` or in a folder above. Raises
    ConfigError, NoDatabaseChosenError, NothingSelectedError, OtherChainError, UnknownEnvironmentError.
    """
    project = _project(options, ini, environ, cwd)
    if options.db:
        return project, environment_at(project, cwd / options.db)
    its = project.chain.ini
    if its.exists() and not its.samefile(ini):
        raise OtherChainError(str(project.file), str(its), str(ini))
    name = options.env or named_environment(environ)
    return project, select_one(project, name)


def _project(options: Options, ini: Path, environ: Mapping[str, str], cwd: Path) -> ProjectConfig:
    try:
        start = cwd if named_config(environ) else ini.parent
        return read_project(find_config(None, environ, start), environ)
    except ConfigNotFoundError as error:
        if options.db:
            return empty_project(ini.parent)
        raise NoDatabaseChosenError(error.looked) from error
