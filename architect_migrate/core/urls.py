"""Database URLs: parse them, compare them, show them without secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from architect_migrate.core.errors import BadUrlError, nearest, shortened
from architect_migrate.core.secrets import mask

BACKENDS = ("postgresql", "sqlite")
# What hosts of databases write, and SQLAlchemy no longer takes.
_ALSO = {"postgres": "postgresql"}

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


@dataclass(frozen=True, slots=True, repr=False)
class DatabaseUrl:
    """One database: `path` is its file (SQLite only), `raw` the whole URL with secrets, never to be shown.

    `str()` and `repr()` are masked. A SQLite URL with parameters is refused at parsing, so nothing in one is
    secret and the file's name is shown exactly.
    """

    backend: str
    path: Path | None
    raw: str

    def __str__(self) -> str:
        return self.raw if self.backend == "sqlite" else mask(self.raw)

    def __repr__(self) -> str:
        return f"DatabaseUrl({str(self)!r})"


def sqlite_url(path: Path) -> DatabaseUrl:
    """Return the URL of exactly this file: `?`, `%20`, quotes and spaces are part of its name."""
    return DatabaseUrl("sqlite", path, f"sqlite:///{path}")


def parse_url(text: str) -> DatabaseUrl:
    """Parse a database URL; a relative SQLite path stays relative. Raises BadUrlError, which omits the text."""
    scheme, separator, rest = text.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        raise BadUrlError("not a database URL", 'write "sqlite:///file.db", or path = "file.db"')
    written = scheme.partition("+")[0]
    backend = _ALSO.get(written, written)
    if backend not in BACKENDS:
        raise BadUrlError(f"unknown database {shortened(backend)}", nearest(backend, BACKENDS))
    if backend == "sqlite":
        return DatabaseUrl(backend, _sqlite_path(rest), text)
    if any(letter.isspace() or letter == '"' or not letter.isprintable() for letter in rest):
        raise BadUrlError("a space, quote or control character in a URL", "percent-encode it: %20 is a space")
    return DatabaseUrl(backend, None, text)


def _sqlite_path(rest: str) -> Path:
    name = rest.removeprefix("/")
    if name == rest and rest:
        raise BadUrlError("a SQLite URL has no host", "sqlite:///relative.db or sqlite:////absolute.db")
    if not name or name == ":memory:":
        raise BadUrlError("a SQLite database in memory ends with the process", "name a file: sqlite:///file.db")
    if "?" in name or name.startswith("file:"):
        raise BadUrlError(
            "a SQLite URL with parameters", 'name the file alone; one with ? in its name goes in path = "..."'
        )
    return Path(name)


def database_identity(url: DatabaseUrl) -> str:
    """Return a key that is equal for two URLs of one database, without its login; a file's path must be resolved."""
    if url.path is not None:
        return str(url.path)
    return f"{url.backend}://{mask(url.raw).partition('://')[2].removeprefix('***@')}"
