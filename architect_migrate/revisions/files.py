"""Files of the chain, read without Alembic: their places, and a fingerprint for the cache of replays."""

from __future__ import annotations

import configparser
import hashlib
import os
import sqlite3
import sys
from importlib.util import find_spec
from pathlib import Path

from architect_migrate.core.chain_errors import ChainError

_SOURCES = (".py", ".sql", ".ini")


def script_folder(ini: Path) -> Path:
    """Return the folder that `script_location` of an alembic.ini names. Raises ChainError."""
    location = alembic_option(ini, "script_location")
    if location is None:
        raise ChainError(str(ini), "no [alembic] script_location ('script_location')")
    folder = ini.parent / location
    if not folder.is_dir():
        raise ChainError(str(ini), f"script_location {location} is not a folder")
    return folder


def alembic_option(ini: Path, key: str) -> str | None:
    """Return an option of [alembic] in an alembic.ini; None if it is not set. Raises ChainError."""
    parser = configparser.ConfigParser({"here": str(ini.parent)})
    try:
        if ini.exists() and not ini.is_file():
            # Why: reading a pipe or a device would never end.
            raise ChainError(str(ini), "is not a file", "name the chain's alembic.ini in [alembic] config")
        with ini.open(encoding="utf-8") as file:
            parser.read_file(file)
        return parser["alembic"].get(key)
    except OSError as error:
        raise ChainError(
            str(ini), error.strerror or str(error), "name the chain's alembic.ini in [alembic] config"
        ) from error
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise ChainError(str(ini), f"no [alembic] {key} ({' '.join(str(error).split())})") from error


def fingerprint(ini: Path) -> str:
    """Return a digest of every source file of the chain and of the versions that its replay depends on.

    Raises ChainError for a file that cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((sys.version_info, sqlite3.sqlite_version, _installed())).encode())
    folder = script_folder(ini)
    # Why strings: a chain may have thousands of files, and making a Path takes longer than reading a file.
    prefix = f"{ini.parent}{os.sep}"
    for path in (str(ini), *sorted(_sources(folder))):
        digest.update(os.fsencode(path.removeprefix(prefix)))
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123  (for the same reason)
                digest.update(file.read())
        except OSError as error:
            raise ChainError(path, error.strerror or str(error)) from error
    return digest.hexdigest()


def chain_sources(ini: Path) -> list[str]:
    """Return the path of every source file of a chain. Raises ChainError."""
    return sorted(_sources(script_folder(ini)))


def _sources(folder: Path) -> list[str]:
    """Return every source file below a folder at any depth, since version folders may be nested."""
    walked = os.walk(folder, onerror=_unread)
    return [f"{root}{os.sep}{name}" for root, _, names in walked for name in names if name.endswith(_SOURCES)]


def _unread(error: OSError) -> None:
    """Raise ChainError for a folder that cannot be read. Why: `os.walk` would treat it as empty."""
    raise ChainError(str(error.filename), error.strerror or str(error)) from error


def _installed() -> list[tuple[str, int, int]]:
    """Return path, time and size of the files of Alembic, SQLAlchemy and archmig.

    Why not version numbers: reading them would import the packages, and they do not change while archmig is edited.
    """
    specs = [find_spec(package) for package in ("alembic", "sqlalchemy")]
    paths = sorted(_sources(Path(__file__).parents[1])) + [spec.origin for spec in specs if spec and spec.origin]
    # Why os.stat: for two hundred files at each command, `Path.rglob` and `Path.stat` take twice as long.
    stats = [(path, os.stat(path)) for path in paths]  # noqa: PTH116  (for the same reason)
    return [(path, one.st_mtime_ns, one.st_size) for path, one in stats]
