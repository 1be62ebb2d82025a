"""Places of a chain's files, read from its configuration without Alembic."""

from __future__ import annotations

import configparser
import os
import sys
import tomllib
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architect_migrate.core.chain_errors import ChainError

if TYPE_CHECKING:
    from architect_migrate.model.chain_config import ChainConfig

_NAME_IT = "name the chain's alembic.ini in [alembic] config"


def script_folder(chain: ChainConfig) -> Path:
    """Return the folder of a chain's env.py. Raises ChainError.

    It is what `script_location` names: a folder, or `package:folder`. A chain without that option, as Flask-Migrate
    makes it, has its env.py beside its alembic.ini. A relative folder is one of the root, or else one beside
    alembic.ini: Flask-Migrate leaves `script_location = .` unread.
    """
    location = chain_option(chain, "script_location")
    if location is None:
        if (chain.ini.parent / "env.py").is_file():
            return chain.ini.parent
        raise ChainError(str(chain.ini), f"no [{chain.section}] script_location, and no env.py beside it")
    if _is_package(location):
        folder = _in_package(chain, location)
    else:
        places = (chain.root / location, chain.ini.parent / location)
        folder = next((place for place in places if (place / "env.py").is_file()), places[0])
    if not folder.is_dir():
        raise ChainError(str(chain.ini), f"script_location {location} is not a folder")
    return folder


def calls_archmig(chain: ChainConfig) -> bool:
    """Whether env.py is archmig's own, which keeps nothing of one database that another could get.

    Variables may name the database to modules of the project.
    """
    try:
        return not chain.variables and b"architect_migrate" in (script_folder(chain) / "env.py").read_bytes()
    except (ChainError, OSError):
        return False


def chain_option(chain: ChainConfig, key: str) -> str | None:
    """Return an option of a chain, which Alembic looks for in alembic.ini first; None if it is not set.

    Lists of pyproject.toml are joined by line breaks. Raises ChainError.
    """
    if (value := ini_option(chain.ini, chain.section, key)) is not None or chain.toml is None:
        return value
    found = alembic_table(chain.toml).get(key)
    if isinstance(found, list):
        return "\n".join(_with_here(str(one), chain.toml) for one in found)
    return found if found is None else _with_here(str(found), chain.toml)


def ini_option(ini: Path, section: str, key: str) -> str | None:
    """Return an option of an alembic.ini; None if it is not set, or in a pyproject.toml. Raises ChainError."""
    if ini.suffix == ".toml":
        return None
    parser = configparser.ConfigParser({"here": str(ini.parent)})
    try:
        if ini.exists() and not ini.is_file():
            # Why: reading a pipe or a device would never end.
            raise ChainError(str(ini), "is not a file", _NAME_IT)
        with ini.open(encoding="utf-8") as file:
            parser.read_file(file)
        return parser[section].get(key)
    except OSError as error:
        raise ChainError(str(ini), error.strerror or str(error), _NAME_IT) from error
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise ChainError(str(ini), f"no [{section}] {key} ({' '.join(str(error).split())})") from error


def urls_in(ini: Path) -> tuple[tuple[str, str], ...]:
    """Return the sections of an alembic.ini with their sqlalchemy.url; none if it cannot be read.

    One whose `%(name)s` names nothing is left out: Alembic cannot read it either.
    """
    parser = configparser.ConfigParser({"here": ini.parent.as_posix()})
    try:
        parser.read(ini, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return ()
    urls = list[tuple[str, str]]()
    for name in parser.sections():
        with suppress(configparser.Error):
            urls.append((name, parser.get(name, "sqlalchemy.url", fallback="")))
    return tuple((name, url) for name, url in urls if url)


def sections_of(ini: Path) -> tuple[str, ...]:
    """Return the sections of an alembic.ini that configure a chain; none if it cannot be read."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(ini, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return ()
    return tuple(name for name in parser.sections() if name == "alembic" or parser.has_option(name, "script_location"))


def alembic_table(toml: Path) -> dict[str, Any]:
    """Return [tool.alembic] of a pyproject.toml; empty if there is none. Raises ChainError."""
    try:
        found = tomllib.loads(toml.read_text(encoding="utf-8")).get("tool", {}).get("alembic", {})
    except OSError as error:
        raise ChainError(str(toml), error.strerror or str(error), _NAME_IT) from error
    except (ValueError, RecursionError) as error:
        raise ChainError(str(toml), f"is not TOML: {error}") from error
    return found if isinstance(found, dict) else {}


def _with_here(value: str, toml: Path) -> str:
    return value.replace("%(here)s", toml.parent.as_posix()).replace("%%", "%")


def _is_package(location: str) -> bool:
    # As Alembic decides: an absolute path may contain a colon too.
    return not Path(location).is_absolute() and ":" in location


def _in_package(chain: ChainConfig, location: str) -> Path:
    """Return the folder that `package:folder` or `package:folder:folder` means, without importing the package."""
    package, *folders = location.split(":")
    paths = [str(chain.root / each) for each in (chain_option(chain, "prepend_sys_path") or "").split()]
    search: list[str] | None = [*paths, *(path for path in sys.path if path), str(chain.root)]
    for name in package.split("."):
        spec = PathFinder.find_spec(name, search)
        search = list(spec.submodule_search_locations or ()) if spec else []
    if not search:
        advice = f"install it, or add prepend_sys_path = . to [{chain.section}] if it is in {chain.root}"
        raise ChainError(str(chain.ini), f"script_location {location}: there is no package {package}", advice)
    return Path(search[0], *folders)


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


def seen_from_root(place: str, chain: ChainConfig) -> str:
    """Return a place in the chain's code as seen from its root."""
    return place.removeprefix(f"{os.path.realpath(chain.root)}{os.sep}").removeprefix(f"{chain.root}{os.sep}")
