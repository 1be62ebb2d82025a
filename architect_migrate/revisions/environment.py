"""Runs a chain's env.py, whatever database it opens: that is archmig's connection."""

from __future__ import annotations

import logging.config
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from alembic.runtime.environment import EnvironmentContext

from architect_migrate.core.chain_errors import ChainError, EngineError, OtherDatabaseError
from architect_migrate.core.errors import BadUrlError
from architect_migrate.core.urls import parse_url
from architect_migrate.databases.registry import lender, temporary
from architect_migrate.model.chain_config import UNNAMED, URL
from architect_migrate.revisions.configuration import point_at, surroundings
from architect_migrate.revisions.failures import calling_line
from architect_migrate.revisions.files import chain_option, script_folder
from architect_migrate.revisions.flask_context import application_context, bind_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from architect_migrate.databases.base import Connection
    from architect_migrate.model.chain_config import ChainConfig


@contextmanager
def env_py(
    chain: ChainConfig, config: Config, script: ScriptDirectory, connection: Connection, **options: Any
) -> Iterator[dict[str, Any]]:
    """Prepare a run of env.py by `run_env` on a connection, which every engine of the chain's code gets.

    Yields the arguments that env.py passes on to the revisions (`engine_name`), once it has passed them.

    `chain` is filled for the connection's database: the first of its places. `options` are those of Alembic's
    EnvironmentContext.
    """
    point_at(config, chain, chain.places[0])
    arguments: dict[str, Any] = {}
    engines: list[str] = []
    with prepared(chain, connection), EnvironmentContext(config, script, **options) as environment:
        usual = environment.run_migrations

        def noted(**named: Any) -> None:
            # An env.py for several databases runs the chain on each of them, and tells the revisions which one it is.
            if (engine := named.get("engine_name")) is not None:
                engines.append(str(engine) or UNNAMED)
                if not chain.engine and len({*engines}) > 1:
                    raise _no_engine(chain, engines)
                if chain.engine and engines[-1] != chain.engine:
                    return
            arguments.update(named)
            usual(**named)

        vars(environment)["run_migrations"] = noted
        if config.output_buffer is not None:
            # Why: an env.py for several databases writes the script of each to a file.
            vars(environment)["configure"] = _writing_to(config.output_buffer, environment.configure)
        yield arguments
        if engines and not arguments:
            raise _no_engine(chain, engines)


def _writing_to(buffer: object, configure: Callable[..., None]) -> Callable[..., None]:
    """Return Alembic's `configure` that lets every script be written to one buffer."""
    return lambda *arguments, **named: configure(*arguments, **{**named, "output_buffer": buffer})


def _no_engine(chain: ChainConfig, engines: Iterable[str]) -> EngineError:
    """Return the error for an env.py that has several databases, none of which is the chain's engine."""
    its = f"an engine {chain.engine}" if chain.engine else "one database, but on several"
    problem = f"does not run the chain on {its}"
    its_engines = _engines(chain) or tuple(engines)
    return EngineError(str(script_folder(chain) / "env.py"), problem, _name_one_of(its_engines), its_engines)


def _engines(chain: ChainConfig) -> tuple[str, ...]:
    """Return the names of the databases in an env.py for several, as Alembic's template or Flask has them."""
    if names := chain_option(chain, "databases"):
        return tuple(names.replace(",", " ").split())
    return (UNNAMED, *binds) if (binds := bind_names()) else ()


def _name_one_of(engines: Iterable[str]) -> str:
    return f'engine = "NAME" below each [env], which is one of {", ".join(engines)}'


@contextmanager
def prepared(chain: ChainConfig, connection: Connection) -> Iterator[None]:
    """Give the chain's code what it needs, and a connection for every engine of the chain's database."""
    with loaded(chain), _lent(chain, connection):
        yield


@contextmanager
def loaded(chain: ChainConfig) -> Iterator[None]:
    """Load the chain's application, if it has one: revisions may need it as soon as they are imported."""

    @contextmanager
    def loading() -> Iterator[None]:
        # Why an empty database: applications upgrade theirs, or call create_all(), as soon as they are loaded.
        with temporary.in_memory() as empty, _lent(chain, empty):
            yield

    with surroundings(chain), application_context(chain, loading):
        yield


def _lent(chain: ChainConfig, database: Connection) -> AbstractContextManager[None]:
    """Lend a connection to every engine of the chain's database."""

    def refused(database: str) -> OtherDatabaseError:
        return OtherDatabaseError(calling_line() or "env.py", database, _entry(chain, database))

    def threaded() -> ChainError | None:
        # Why only in a replay: an application that has archmig upgrade its database has threads of its own.
        if "ARCHMIG_REPLAY" not in os.environ:
            return None
        place = calling_line() or str(script_folder(chain) / "env.py")
        return ChainError(place, "opens the database in another thread", "open it in the thread that runs env.py")

    return lender.lending(database, chain.places, refused, threaded, several=bool(chain.engine))


def _entry(chain: ChainConfig, database: str) -> str:
    """Return the entry that lets env.py open the environment's database, with the variable that named this one."""
    if engines := _engines(chain):
        return _name_one_of(engines)
    named = (name for name, value in os.environ.items() if "://" in value and _names(value, database))
    if name := next(named, ""):
        return f'[alembic.env] {name} = "{URL}"'
    return f'[alembic.env] VARIABLE = "{URL}" for the variable of its URL, or an [env] for that file if env.py names it'


def _names(value: str, database: str) -> bool:
    """Whether a variable's value is the URL of a database: of its file, or else of its kind."""
    try:
        url = parse_url(value)
    except BadUrlError:
        return f" {value.partition(':')[0].partition('+')[0]} " in database
    return os.path.realpath(url.path) == database if url.path else f" {url.backend} " in database


def run_env(script: ScriptDirectory) -> None:
    """Run the chain's env.py without its configuration of logging, and without Alembic's INFO lines.

    Why: env.py as Alembic writes it calls `fileConfig`, which replaces the handlers of the whole process and puts
    Alembic's progress among archmig's output. Logging belongs to the process: the command line, or an application.
    """
    logger, configure = logging.getLogger("alembic"), logging.config.fileConfig
    level = logger.level
    logger.setLevel(max(level, logging.WARNING))
    logging.config.fileConfig = lambda *_, **__: None
    try:
        script.run_env()
    finally:
        logging.config.fileConfig = configure
        logger.setLevel(level)
