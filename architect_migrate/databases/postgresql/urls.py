"""Converts the URL by which a project names its database, for any driver, to a URI that libpq understands."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlencode

from psycopg import pq

from architect_migrate.core.errors import BadUrlError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SCHEMES = frozenset({"postgresql", "postgres"})
# The drivers whose URLs have the form that SQLAlchemy gives them; empty is SQLAlchemy's default.
DRIVERS = frozenset(
    {"", "asyncpg", "pg8000", "psycopg", "psycopg2", "psycopg2cffi", "psycopg_async", "pygresql", "psycopg_c"}
)
# The parts as SQLAlchemy separates them: a password may hold anything but an @. Hosts are a list in libpq's own form.
_PARTS = re.compile(
    r"(?:(?P<user>[^:/@?]*)(?::(?P<password>[^@]*))?@)?(?P<hosts>[^@/?]*)(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_WITH_PORT = re.compile(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::\d*)?")
# What other drivers call by names of their own.
_RENAMED = {"ssl": "sslmode", "unix_sock": "host", "database": "dbname", "timeout": "connect_timeout"}
# What other drivers do on their side, and libpq has no part in.
_IGNORED = frozenset(
    {
        *(
            "async_fallback",
            "autocommit",
            "command_timeout",
            "max_cached_statement_lifetime",
            "max_cacheable_statement_size",
        ),
        *("prepare_threshold", "prepared_statement_cache_size", "prepared_statement_name_func", "server_settings"),
        *("statement_cache_size", "tcp_keepalive", "use_native_unicode"),
    }
)
_SSL = {"true": "require", "1": "require", "false": "disable", "0": "disable"}
# How the name of a socket ends, which pg8000 is given, and libpq is given its folder.
_SOCKET = re.compile(r"/\.s\.PGSQL\.\d+\Z")
_PLACES = frozenset({"host", "port"})


def libpq_uri(url: str) -> str:
    """Return the URI of the same database for libpq. Raises BadUrlError, which shows no value of the URL."""
    scheme, _, rest = url.partition("://")
    kind, _, driver = scheme.partition("+")
    if kind not in _SCHEMES or driver not in DRIVERS:
        raise BadUrlError("not the URL of a PostgreSQL driver", nearest(driver, DRIVERS - {""}) if driver else "")
    parts = _PARTS.fullmatch(rest)
    if parts is None:
        raise BadUrlError("an @ in the password of a URL", "percent-encode it: %40 is an @")
    if not all(_WITH_PORT.fullmatch(place) for place in parts["hosts"].split(",")):
        raise BadUrlError("a port in a URL that is no number", "postgresql://user:password@host:5432/database")
    parameters = list(_parameters(parse_qsl(parts["query"] or "", keep_blank_values=True)))
    query = [pair for pair in parameters if pair[0] not in _PLACES] + list(_places(parameters))
    login = "".join((_encoded(parts["user"]), ":" * (parts["password"] is not None), _encoded(parts["password"])))
    database = "" if parts["database"] is None else f"/{parts['database']}"
    return (
        f"postgresql://{login}{'@' * (parts['user'] is not None)}{parts['hosts']}{database}"
        # Why not urlencode's own way with spaces: libpq takes a plus as it is.
        f"{'?' * bool(query)}{urlencode(query, quote_via=quote, safe='/,')}"
    )


def _encoded(part: str | None) -> str:
    return quote(unquote(part or ""), safe="")


def _parameters(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the parameters that libpq has, by its names."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    for given, value in pairs:
        name = _RENAMED.get(given, given)
        if given in _IGNORED:
            continue
        if name not in known:
            raise BadUrlError(
                f"the parameter {given[:40]!r} in the URL of a PostgreSQL database", nearest(given, known)
            )
        match given:
            case "ssl":
                yield name, _SSL.get(value.lower(), value)
            case "unix_sock":
                yield name, _SOCKET.sub("", value)
            case "timeout" | "connect_timeout":
                yield name, _whole_seconds(value)
            case _:
                yield name, value


def _whole_seconds(value: str) -> str:
    try:
        return str(math.ceil(float(value)))
    except (ValueError, OverflowError) as error:
        raise BadUrlError("a timeout in a URL that is no number of seconds", "connect_timeout=10") from error


def _places(parameters: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the hosts and their ports, as lists; SQLAlchemy repeats the parameter, with the port in it."""
    hosts = [value for name, value in parameters if name == "host"]
    ports = [value for name, value in parameters if name == "port"]
    separate = [_host_and_port(host) for host in hosts]
    if any(port for _, port in separate):
        hosts, ports = [host for host, _ in separate], [port for _, port in separate]
    if hosts:
        yield "host", ",".join(hosts)
    if ports:
        yield "port", ",".join(ports)


def _host_and_port(place: str) -> tuple[str, str]:
    """Separate `host:5432` and `[::1]:5432`; a folder has no port, and neither has an address with several colons."""
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        return host, port.removeprefix(":")
    is_pair = place.count(":") == 1 and not place.startswith("/")
    host, _, port = place.partition(":") if is_pair else (place, "", "")
    return host, port
