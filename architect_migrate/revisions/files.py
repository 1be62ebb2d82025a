"""Places of a chain's files, read from its alembic.ini without Alembic."""

from __future__ import annotations

import configparser
import os
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ChainError

if TYPE_CHECKING:
    from pathlib import Path


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


def refuse_unreadable(folder: Path) -> None:
    """Raise ChainError for a folder that cannot be listed, at any depth. Why: Alembic takes it for an empty one.

    One that does not exist is empty for Alembic, and may be made by the first revision in it.
    """
    for _ in os.walk(folder, onerror=_unread):
        pass


def _unread(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):
        return
    raise ChainError(str(error.filename), error.strerror or str(error)) from error
