"""Configuration of a chain as Alembic reads it, and the surroundings in which the chain's code runs."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from argparse import Namespace
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.script import ScriptDirectory

import alembic
from alembic import command
from architect_migrate.core.chain_errors import ChainError
from architect_migrate.revisions.failures import file_errors
from architect_migrate.revisions.files import chain_option, ini_option, refuse_unreadable, script_folder
from architect_migrate.revisions.streams import apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.model.chain_config import ChainConfig

_URL = "sqlalchemy.url"
# The asynchronous drivers of SQLAlchemy. One of them in `sqlalchemy.url` says that env.py makes such an engine.
_ASYNCHRONOUS = frozenset({"aiomysql", "aioodbc", "aiosqlite", "asyncmy", "asyncpg", "psycopg_async"})
# The asynchronous driver that an engine on each kind of database is given.
_ASYNCHRONOUS_OF = {"sqlite": "aiosqlite", "postgresql": "asyncpg"}


def config_of(chain: ChainConfig) -> Config:
    """Return Alembic's configuration of a chain. Raises ChainError."""
    folder, location = script_folder(chain), chain_option(chain, "script_location")
    toml: dict[str, Any] = {"toml_file": str(chain.toml)} if chain.toml and _knows_toml(chain) else {}
    ini = None if chain.ini == chain.toml else str(chain.ini)
    config = Config(ini, ini_section=chain.section, cmd_opts=_command_line(chain), attributes={"archmig": True}, **toml)
    if location is None or ":" not in location:
        config.set_main_option("script_location", _escaped(str(folder)))
    return config


class _NoArguments(Namespace):
    """The arguments of a command line that was not used.

    Why false: for an env.py that asks, its program has called Alembic. Others expect what they read to be there.
    """

    def __bool__(self) -> bool:
        return False


def _command_line(chain: ChainConfig) -> Namespace:
    """Return the arguments of `alembic upgrade`, as Alembic's command line gives them to env.py."""
    called = {"cmd": (command.upgrade, ["revision"], ["sql", "tag"]), "revision": "heads", "sql": False, "tag": None}
    options = {"config": [str(chain.ini)], "name": chain.section, "raiseerr": False, "quiet": False}
    if not chain.x:
        return _NoArguments(x=None, **options, **called)
    return Namespace(x=list(chain.x), **options, **called)


def _knows_toml(chain: ChainConfig) -> bool:
    """Whether the installed Alembic reads a pyproject.toml; raises ChainError if the chain cannot do without it."""
    if "toml_file" in inspect.signature(Config).parameters:
        return True
    if chain.ini == chain.toml or ini_option(chain.ini, chain.section, "script_location") is None:
        found = f"[tool.alembic] is read by Alembic 1.16 and newer, and {alembic.__version__} is installed"
        raise ChainError(str(chain.toml), found, "install a newer Alembic, or move the options to an alembic.ini")
    return False


def point_at(config: Config, chain: ChainConfig, database: Path) -> None:
    """Let the configuration name this database, as the main one and as that of the chain's engine.

    A URL with an asynchronous driver gets one too, since env.py then makes such an engine.
    """
    sections = [config.config_ini_section, *([chain.engine] if chain.engine else [])]
    for section in sections:
        # Why asked: an env.py may make the sections of its databases itself, as Flask-Migrate's does.
        is_there = config.file_config.has_section(section)
        written = (config.get_section_option(section, _URL, "") if is_there else "") or ""
        driver = written.partition("://")[0].partition("+")[2]
        driver = _ASYNCHRONOUS_OF[chain.kind] if driver in _ASYNCHRONOUS else ""
        config.set_section_option(section, _URL, _escaped(chain.url_of(database, driver)))


def in_memory() -> Path:
    """Return the file that env.py opens where archmig works on a database in memory; it never exists."""
    return Path(gettempdir(), "archmig.db")


def _escaped(value: str) -> str:
    # Why %%: Alembic's configuration expands % signs.
    return value.replace("%", "%%")


def unloaded_script(config: Config, chain: ChainConfig) -> ScriptDirectory:
    """Return the chain's folders and options, without loading its revisions. Raises ChainError."""
    with file_errors(chain), chdir(chain.root), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated options of alembic.ini are reported by Alembic's own commands
        before = len(sys.path)
        script = ScriptDirectory.from_config(config)
        # Why here: relative folders are those of the root, and the process may work elsewhere afterwards.
        added = [str(Path(path).absolute()) for path in sys.path[: len(sys.path) - before]]
        sys.path[:] = dict.fromkeys([*added, *sys.path[len(added) :]])
        script.dir = str(Path(script.dir).absolute())
        if chain.versions:
            script.version_locations = [str(folder) for folder in chain.versions]
        elif locations := script.version_locations:
            script.version_locations = [_absolute(str(location)) for location in locations]
        return script


def _absolute(location: str) -> str:
    return location if ":" in location else str(Path(location).absolute())


def chain_folders(chain: ChainConfig) -> tuple[str, ...]:
    """Return the folders of a chain: its script_location and its version_locations. Raises ChainError."""
    script = unloaded_script(config_of(chain), chain)
    return (str(script.dir), *map(str, script._version_locations))  # noqa: SLF001  (it includes default folders)


def script_of(config: Config, chain: ChainConfig, draft: Path | None = None) -> ScriptDirectory:
    """Return the chain with its revisions loaded, those in the folder `draft` included. Raises ChainError."""
    # Why another one: Alembic remembers the folders when they are asked for, and there may be more of them below.
    for folder in unloaded_script(config, chain)._version_locations:  # noqa: SLF001  (it includes default folders)
        refuse_unreadable(Path(folder))
    script = unloaded_script(config, chain)
    with surroundings(chain), apart(), file_errors(chain), warnings.catch_warnings():
        warnings.filterwarnings("error", "Revision .* is present more than once")  # else Alembic would pick a file
        warnings.filterwarnings("ignore", "Revision .* referenced from .* is not present")  # an error follows
        if draft:
            script.version_locations = [*(script.version_locations or [f"{script.dir}/versions"]), str(draft)]
        try:
            script.get_heads()
        except TypeError as error:
            raise ChainError(str(chain.ini), f"a revision id or down_revision is not a string: {error}") from error
        return script


@contextmanager
def surroundings(chain: ChainConfig) -> Iterator[None]:
    """Give the chain's code its root as the working folder, and its variables."""
    path = sys.path.copy()
    # Why a file that is never opened: where no database is run on, the variables must still be URLs.
    variables = dict(chain.filled(Path(os.devnull)).variables)
    with ExitStack() as stack:
        stack.enter_context(chdir(chain.root))
        stack.enter_context(_variables(variables))
        # Why at the end: `python -m alembic` finds the project's modules in the root, and they hide no others.
        sys.path.append(str(chain.root))
        try:
            yield
        finally:
            sys.path[:] = path


@contextmanager
def _variables(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
