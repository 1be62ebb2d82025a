"""Search for a project's chain: alembic.ini, pyproject.toml, and the folder of Flask-Migrate."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.config.chain_place import PLACES, chain_at, is_chain
from architect_migrate.core.chain_errors import ChainError
from architect_migrate.core.errors import UsageError
from architect_migrate.core.text import shortlist
from architect_migrate.revisions.files import script_folder, sections_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from architect_migrate.model.chain_config import ChainConfig

_DEEPEST, _MOST = 6, 20_000
_NOT_THE_PROJECTS = frozenset({"node_modules", "site-packages", "dist-packages", "__pycache__", "build", "dist"})


@dataclass(frozen=True, slots=True)
class Place:
    """A chain that was found: the file that configures it, and its section; empty for the one that is the default."""

    file: Path
    section: str = ""

    def words(self, folder: Path) -> str:
        """Return the place as `--chain` takes it."""
        file = self.file.relative_to(folder) if self.file.is_relative_to(folder) else self.file
        return f"{file}:{self.section}" if self.section else str(file)

    def chain(self, folder: Path) -> ChainConfig:
        """Return the configuration of the chain for an environments.toml in a folder."""
        return chain_at(self.file, folder, self.section)


def files_of(folder: Path) -> tuple[Path, ...]:
    """Return the files of a project, the ones nearest to its folder first.

    Hidden folders, virtual environments and installed packages are passed over.
    """
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        here = folder / place
        below = len(here.relative_to(folder).parts) < _DEEPEST
        folders[:] = sorted(name for name in folders if below and _is_the_projects(here / name))
        found += [here / name for name in files]
        if len(found) > _MOST:
            break
    return tuple(sorted(found, key=lambda file: (len(file.parts), file)))


def _is_the_projects(folder: Path) -> bool:
    name = folder.name
    return not name.startswith(".") and name not in _NOT_THE_PROJECTS and not (folder / "pyvenv.cfg").exists()


def chains_in(folder: Path, files: Iterable[Path]) -> tuple[Place, ...]:
    """Return the chains of a project, each once: those in the usual places, else those anywhere below."""
    usual = [file for name in PLACES if is_chain(file := folder / name)]
    others = [file for file in files if file.suffix == ".ini" or file.name in {"pyproject.toml", "setup.cfg"}]
    found: dict[str, Place] = {}
    for file in usual or others:
        for place in _places(file, folder):
            found.setdefault(_identity(place, folder), place)
    found.pop("", None)
    return tuple(found.values())


def _places(file: Path, folder: Path) -> Iterator[Place]:
    """Yield the chains that a file configures; a section beside the default one may have a chain of its own."""
    if file.suffix == ".toml":
        yield from [Place(file)] if is_chain(file) else []
        return
    sections = sections_of(file)
    default = chain_at(file, folder).section
    yield from (Place(file, "" if name == default else name) for name in sorted(sections, key=lambda it: it != default))


def _identity(place: Place, folder: Path) -> str:
    """Return the real folder of a chain's env.py; empty if there is none."""
    with suppress(ChainError):
        env = script_folder(place.chain(folder)) / "env.py"
        return os.path.realpath(env) if env.is_file() else ""
    return ""


def place_named(word: str, folder: Path) -> Place:
    """Return the chain that `--chain` names: FILE, FILE:SECTION, or a folder with one. Raises UsageError."""
    name, _, section = word.rpartition(":")
    for file, its_section in ((folder / word, ""), *([(folder / name, section)] if name else [])):
        if file.is_file():
            return Place(file, its_section)
        if file.is_dir() and (inner := next((file / each for each in PLACES if is_chain(file / each)), None)):
            return Place(inner, its_section)
    raise UsageError(f"--chain {word}: no such file, and no folder with an alembic.ini", "name the alembic.ini")


def no_chain(folder: Path) -> UsageError:
    """Return the error for a project without a chain."""
    looked = f"looked for {shortlist(PLACES, 3)} with an env.py, in {folder} and below it"
    return UsageError(
        f"no Alembic chain here: {looked}",
        "name it: --chain FILE, or begin one: alembic init migrations; nothing was written",
    )


def several_chains(places: Iterable[Place], folder: Path) -> UsageError:
    """Return the error for a project with several chains."""
    words = [place.words(folder) for place in places]
    return UsageError(
        f"{len(words)} Alembic chains here: {', '.join(words)}",
        f"choose one, which gets an environments.toml of its own: --chain {words[0]}; nothing was written",
    )
