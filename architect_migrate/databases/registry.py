"""Sends calls to the package of a kind of database, which is imported when something of it is called.

A kind is a folder below `databases` with a module for each protocol of `databases.base`. Which kind is meant is decided
by the first argument: the scheme of a URL, the driver of a connection. What has neither, such as the text of a
statement or the scratch database of a replay, belongs to the kind `LOCAL`.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from architect_migrate.core.server_errors import DriverMissingError, UnsupportedError
from architect_migrate.core.urls import DatabaseUrl
from architect_migrate.databases.capabilities import Capability

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    from architect_migrate.databases.base import (
        About,
        Access,
        Capabilities,
        Checks,
        Connection,
        Dialect,
        Digests,
        Keeper,
        Lender,
        Marks,
        Reader,
        Repairer,
        Temporary,
        Trials,
        Watching,
    )
    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.detail import Detail
    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.plan import RepairStep

# The kinds by the scheme of their URLs, each with the package of its driver.
KINDS = {"postgresql": "psycopg", "sqlite": "sqlite3"}
# The kinds whose backups are archives, by the ends of their names.
ARCHIVES = {".dump": "postgresql"}
# Classes of a kind's own that its functions take as connections.
_OWN = "architect_migrate.databases."
# The kind that needs no server: its databases are files, and chains are replayed on it.
LOCAL = "sqlite"
# What a kind lacks, by the parts that it has no module for.
_ACTIONS = {
    "digests": "remember databases",
    "repairer": "repair databases",
    "trials": "try revisions on databases",
}
# What a kind lacks, by what it is not capable of.
_DEEDS = {Capability.COPIES: "work on copies of databases", Capability.UNDO: "restore databases"}
# What archmig calls while a chain's code runs; the other parts would only delay a process that runs it.
_BEFOREHAND = ("dialect", "lender", "marks", "reader", "temporary", "watching")


def kind_of(thing: DatabaseUrl | Path | Connection | BaseException) -> str:
    """Return the kind that a URL, a file, a connection or an error of a driver belongs to."""
    match thing:
        case DatabaseUrl():
            return thing.backend
        case Path():
            return ARCHIVES.get(thing.suffix, LOCAL)
        case _ if type(thing).__module__.startswith(_OWN):
            return type(thing).__module__.removeprefix(_OWN).partition(".")[0]
        case _:
            packages = {each.__module__.partition(".")[0] for each in type(thing).__mro__}
            return next(kind for kind, driver in KINDS.items() if driver in packages)


def driver_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return the base class of the errors of every driver that was imported, and other classes to catch with them."""
    return (*others, *(sys.modules[driver].Error for driver in KINDS.values() if driver in sys.modules))


def about(kind: str) -> About:
    """Return what a kind says of itself."""
    return cast("About", _module(kind, "about"))


def fold_of(url: DatabaseUrl) -> Callable[[str], str]:
    """Return how a kind of database compares names: what is equal for two spellings of one name."""
    return about(kind_of(url)).fold


def lacking(kind: str) -> Mapping[Capability, str]:
    """Return what a kind cannot do, each with the reason."""
    return cast("Capabilities", _module(kind, "capabilities")).LACKS


def is_served(url: DatabaseUrl) -> bool:
    """Return whether a database is on a server, and not a file."""
    return Capability.LOCAL in lacking(kind_of(url))


def require(capability: Capability, *urls: DatabaseUrl) -> None:
    """Refuse what no kind of some databases is capable of. Raises UnsupportedError."""
    if urls and all(capability in lacking(kind_of(url)) for url in urls):
        raise UnsupportedError(str(urls[0]), _DEEDS[capability])


def preload(kind: str) -> None:
    """Import what archmig calls while a chain's code runs: what the process imports from then on is the code's own."""
    for part in _BEFOREHAND:
        with suppress(UnsupportedError):
            _module(kind, part)
    # What statements mean is asked of this kind, whichever one a chain is replayed on.
    _module(LOCAL, "dialect")
    cast("Lender[Connection]", _module(kind, "lender")).prepare()


def statements_of(kind: str, step: RepairStep) -> tuple[str, ...]:
    """Return the statements by which a kind of database executes a repair step."""
    return cast("Repairer[Connection]", _module(kind, "repairer")).statements_of(step)


def temporary_of(kind: str) -> Temporary[Connection]:
    """Return the databases that are thrown away of one kind."""
    return cast("Temporary[Connection]", _module(kind, "temporary"))


def details_of(kind: str) -> tuple[type[Detail], ...]:
    """Return the classes of what only one kind of database says of an object."""
    return () if kind == LOCAL else cast("tuple[type[Detail], ...]", _module(kind, "details").CLASSES)


def server_of(url: DatabaseUrl) -> tuple[str, str]:
    """Return the major version of a database's server, and the schema that is read. Raises as `access.reading`.

    The database is not of the kind without a server.
    """
    return cast("tuple[str, str]", _module(kind_of(url), "access").server_of(url))


def refuse_on_servers(kind: str, action: str) -> None:
    """Refuse what archmig does with a chain of the kind without a server only. Raises UnsupportedError."""
    if kind != LOCAL:
        raise UnsupportedError(kind, action)


@contextmanager
def scratch_on(chain: ChainConfig, cache: Path | None) -> Iterator[str]:
    """Make an empty database for a replay, and drop it at the end; yields its URL, empty for a kind without a server.

    `cache` is a folder for what later replays can use.
    Raises NoScratchError.
    """
    if chain.kind == LOCAL:
        yield ""
    else:
        with _module(chain.kind, "scratch").scratch_database(chain, cache) as url:
            yield url


def in_texts_of(chain: ChainConfig, expected: Schema, found: Schema, cache: Path | None) -> Schema:
    """Return a schema with the texts of the chain's wherever a server of the chain's kind writes both alike.

    `cache` is as for `scratch_on`.
    """
    settled = _module(chain.kind, "settled")
    return cast(
        "Schema",
        settled.in_texts_of(expected, found, lambda: scratch_on(chain, cache)),
    )


@cache
def _module(kind: str, part: str) -> ModuleType:
    name = f"architect_migrate.databases.{kind}.{part}"
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            raise UnsupportedError(kind, _ACTIONS.get(part, f"have {part}")) from error
        if error.name == KINDS[kind]:
            raise DriverMissingError(kind, KINDS[kind]) from error
        raise


class _ByArgument:
    """The functions of one part, each called on the kind that its first argument belongs to."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(first: Any, *arguments: Any, **named: Any) -> Any:
            return getattr(_module(kind_of(first), self._part), name)(first, *arguments, **named)

        return call


class _Local:
    """The functions of one part of the kind `LOCAL`."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        return getattr(_module(LOCAL, self._part), name)


access = cast("Access[Connection]", _ByArgument("access"))
marks = cast("Marks[Connection]", _ByArgument("marks"))
checks = cast("Checks[Connection]", _ByArgument("checks"))
reader = cast("Reader[Connection]", _ByArgument("reader"))
watching = cast("Watching[Connection]", _ByArgument("watching"))
repairer = cast("Repairer[Connection]", _ByArgument("repairer"))
lender = cast("Lender[Connection]", _ByArgument("lender"))
keeper = cast("Keeper[Connection]", _ByArgument("keeper"))
dialect = cast("Dialect", _Local("dialect"))
digests = cast("Digests", _ByArgument("digests"))
temporary = cast("Temporary[Connection]", _Local("temporary"))
trials = cast("Trials[Connection]", _Local("trials"))

if TYPE_CHECKING:
    # So mypy compares the modules of a kind with the protocols.
    from architect_migrate.databases.postgresql import access as _access_of_postgresql
    from architect_migrate.databases.postgresql import capabilities as _capabilities_of_postgresql
    from architect_migrate.databases.postgresql import checks as _checks_of_postgresql
    from architect_migrate.databases.postgresql import keeper as _keeper_of_postgresql
    from architect_migrate.databases.postgresql import lender as _lender_of_postgresql
    from architect_migrate.databases.postgresql import marks as _marks_of_postgresql
    from architect_migrate.databases.postgresql import reader as _reader_of_postgresql
    from architect_migrate.databases.postgresql import repairer as _repairer_of_postgresql
    from architect_migrate.databases.postgresql import watching as _watching_of_postgresql
    from architect_migrate.databases.sqlite import about as _about
    from architect_migrate.databases.sqlite import access as _access
    from architect_migrate.databases.sqlite import capabilities as _capabilities
    from architect_migrate.databases.sqlite import checks as _checks
    from architect_migrate.databases.sqlite import dialect as _dialect
    from architect_migrate.databases.sqlite import digests as _digests
    from architect_migrate.databases.sqlite import keeper as _keeper
    from architect_migrate.databases.sqlite import lender as _lender
    from architect_migrate.databases.sqlite import marks as _marks
    from architect_migrate.databases.sqlite import reader as _reader
    from architect_migrate.databases.sqlite import repairer as _repairer
    from architect_migrate.databases.sqlite import temporary as _temporary
    from architect_migrate.databases.sqlite import trials as _trials
    from architect_migrate.databases.sqlite import watching as _watching

    ABOUT: About = _about
    ACCESS: Access[sqlite3.Connection] = _access
    CAPABILITIES: Capabilities = _capabilities
    CHECKS: Checks[sqlite3.Connection] = _checks
    DIALECT: Dialect = _dialect
    DIGESTS: Digests = _digests
    KEEPER: Keeper[sqlite3.Connection] = _keeper
    LENDER: Lender[sqlite3.Connection] = _lender
    MARKS: Marks[sqlite3.Connection] = _marks
    READER: Reader[sqlite3.Connection] = _reader
    REPAIRER: Repairer[sqlite3.Connection] = _repairer
    POSTGRESQL_ACCESS: Access[Any] = _access_of_postgresql
    POSTGRESQL_CAPABILITIES: Capabilities = _capabilities_of_postgresql
    POSTGRESQL_CHECKS: Checks[Any] = _checks_of_postgresql
    POSTGRESQL_KEEPER: Keeper[Any] = _keeper_of_postgresql
    POSTGRESQL_LENDER: Lender[Any] = _lender_of_postgresql
    POSTGRESQL_MARKS: Marks[Any] = _marks_of_postgresql
    POSTGRESQL_READER: Reader[Any] = _reader_of_postgresql
    POSTGRESQL_WATCHING: Watching[Any] = _watching_of_postgresql
    POSTGRESQL_REPAIRER: Repairer[Any] = _repairer_of_postgresql
    TEMPORARY: Temporary[sqlite3.Connection] = _temporary
    TRIALS: Trials[sqlite3.Connection] = _trials
    WATCHING: Watching[sqlite3.Connection] = _watching
