"""What one plain `alembic` command is about: the command, the chain, the environment and its database."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architect_migrate.config.context import as_listed
from architect_migrate.databases.sqlite import connection
from architect_migrate.integrations.alembic.options import Options, choose
from architect_migrate.revisions.replay import cache_folder, source_of

if TYPE_CHECKING:
    from architect_migrate.model.environment import Environment, Matrix
    from architect_migrate.revisions.replay import Source


@dataclass(frozen=True, slots=True)
class Job:
    """One alembic command on one environment; `command` is empty where a program calls Alembic as a library."""

    command: str
    purge: bool
    ini: Path
    matrix: Matrix
    environment: Environment
    path: Path


def job_of(config: Any, options: Options) -> Job:
    """The job of Alembic's configuration and -x options. Raises as `choose`."""
    ini = Path(config.config_file_name or "alembic.ini").absolute()
    matrix, environment = choose(options, ini, os.environ, Path.cwd())
    chosen = getattr(config.cmd_opts, "cmd", None)
    purge = bool(getattr(config.cmd_opts, "purge", False))
    command = chosen[0].__name__ if chosen else ""
    return Job(command, purge, ini, matrix, environment, connection.file_of(environment.url))


def title(job: Job) -> str:
    """The environment with its file, or the file alone where that is its name."""
    return f"{job.environment.name}: {job.path}" if job.environment.name != str(job.path) else str(job.path)


def bookkeeping(job: Job, version_table: str) -> tuple[str, ...]:
    """Tables that say where a database stands: they are in no schema of the chain."""
    return (version_table, job.matrix.tracker.table) if job.matrix.tracker else (version_table,)


def source_for(job: Job) -> Source:
    """The chain as the environment has it."""
    return as_listed(source_of(job.ini, cache_folder(os.environ)), job.matrix, job.environment)
