"""Place of a chain's configuration: which alembic.ini or pyproject.toml it is, and where Alembic is run."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ChainError
from architect_migrate.model.chain_config import ChainConfig
from architect_migrate.revisions.files import alembic_table, chain_option, ini_option, sections_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from architect_migrate.model.environment import Environment

# Where people keep it: Alembic's own place, a project without an alembic.ini, and Flask-Migrate's.
PLACES = ("alembic.ini", "pyproject.toml", "migrations/alembic.ini")


def found_in(folder: Path) -> Path | None:
    """Return the chain's configuration in a project's folder; None if there is none."""
    return next((file for name in PLACES if is_chain(file := folder / name)), None)


def is_chain(file: Path) -> bool:
    """Whether a file is an alembic.ini, or a pyproject.toml with [tool.alembic]."""
    if not file.is_file():
        return False
    try:
        return file.suffix != ".toml" or bool(alembic_table(file))
    except ChainError:
        return False


def chain_at(config: Path, base: Path, section: str = "") -> ChainConfig:
    """Return the configuration of a chain from its file; `base` is the folder of environments.toml.

    Without a `section` it is [alembic], or else the only one with a script_location. A pyproject.toml with
    [tool.alembic] beside an alembic.ini belongs to it, and the other way round.
    """
    ini, toml = config, config.with_name("pyproject.toml")
    if config.suffix == ".toml":
        ini, toml = config.with_name("alembic.ini"), config
        ini = ini if ini.is_file() else config
    section = section or _section_of(ini)
    return ChainConfig(ini, _root(ini, base, section), toml if toml == config or is_chain(toml) else None, section)


def _section_of(ini: Path) -> str:
    if ini.suffix == ".toml" or not ini.is_file():
        return "alembic"
    sections = sections_of(ini)
    return next(iter(sections)) if "alembic" not in sections and len(sections) == 1 else "alembic"


def with_engines(environments: Iterable[Environment], chain: ChainConfig) -> tuple[Environment, ...]:
    """Return environments with the engine that an alembic.ini for several databases has for the file of each.

    Such a file lists them in `databases`, as Alembic's template `multidb` does, and has a section for each.
    """
    engines = _engines(chain)
    return tuple(
        each if each.engine or each.url.path is None else replace(each, engine=engines.get(str(each.url.path), ""))
        for each in environments
    )


def _engines(chain: ChainConfig) -> dict[str, str]:
    """Return the engine of each file, by its real path. Why at once: alembic.ini is read for each option."""
    engines = dict[str, str]()
    with suppress(ChainError):
        listed = (chain_option(chain, "databases") or "") if chain.ini.is_file() else ""
        for name in listed.replace(",", " ").split():
            url = ini_option(chain.ini, name, "sqlalchemy.url") or ""
            engines.setdefault(os.path.realpath(chain.root / url.partition(":///")[2]), name)
    return engines


def _root(ini: Path, base: Path, section: str) -> Path:
    """Return the folder in which the project's people run `alembic`, against which Alembic takes relative paths.

    Why not always that of alembic.ini: Flask-Migrate keeps its own in the folder of env.py, and runs above it. An
    installed package is run from anywhere, but not from within.
    """
    folder = ini.parent
    try:
        location = ini_option(ini, section, "script_location")
    except ChainError:
        return folder
    if (folder / "env.py").is_file():
        return base if folder.is_relative_to(base) or _is_installed(folder) else folder.parent
    return base if location and not (folder / location).is_dir() and (base / location).is_dir() else folder


def _is_installed(folder: Path) -> bool:
    return bool({"site-packages", "dist-packages"} & {*folder.parts})
