"""Adopts a project: works out its environments.toml, and writes it. Nothing else of the project is touched."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from architect_migrate.authoring.adopt import chains
from architect_migrate.authoring.adopt.databases import Known, entries_of, known_of, named_databases, search_databases
from architect_migrate.authoring.adopt.sources import named_in
from architect_migrate.authoring.adopt.text import text_of
from architect_migrate.authoring.adopt.way import Trial, find_way
from architect_migrate.config.loader import read_project
from architect_migrate.core.atomic_files import draft, write_atomically
from architect_migrate.core.chain_errors import Want
from architect_migrate.core.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from architect_migrate.authoring.adopt.chains import Place
    from architect_migrate.authoring.adopt.databases import Candidate, Listed, Search
    from architect_migrate.authoring.adopt.way import Way

_NOTHING = "nothing was written"
_NAME_ONE = "name one with --db PATH; for a new one, create an empty file first, or set sqlalchemy.url to it"


class Person(Protocol):
    """Who is asked what cannot be known, or what answers in the place of a person."""

    def choice(self, question: str, options: Sequence[str]) -> int | None:
        """Return the number of an option, from 0; None for no answer."""

    def text(self, question: str) -> str:
        """Return a text; empty for no answer."""

    def agrees(self, question: str) -> bool:
        """Return whether the answer is yes, which is the default."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was given on the command line; all may be empty.

    `file` is the environments.toml to write, `here` the current folder.
    """

    file: Path
    here: Path
    chain: str = ""
    databases: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    app: str = ""


@dataclass(frozen=True, slots=True)
class Adoption:
    """A new environments.toml: its text, the chain's place in words, and its entries.

    `notes` are about databases that were left out.
    """

    file: Path
    text: str
    chain: str
    way: Way
    entries: tuple[Listed, ...]
    notes: tuple[str, ...]

    @property
    def lacks_baseline(self) -> bool:
        """Whether the chain does not begin at nothing."""
        return self.way.error is not None and self.way.error.want is Want.BASELINE


def work_out(wish: Wish, person: Person, cache: Path | None, progress: Callable[[str], None]) -> Adoption:
    """Work out the environments.toml of a project; write nothing. `progress` gets a line before what takes long.

    Raises UsageError, ConfigError, ChainError, ReplayError.
    """
    folder = wish.file.parent
    if os.path.lexists(wish.file):
        advice = f"archmig status shows its databases; change it, or move it away; {_NOTHING}"
        raise ConfigError(str(wish.file), "", "is there already", advice)
    if len(wish.names) > max(len(wish.databases), 1):
        raise UsageError("more names than databases were given", f"give each --env a --db; {_NOTHING}")
    project, files = _project(wish)
    place = _chain(wish, project, files, person)
    chain = replace(place.chain(folder), app=wish.app)
    progress("trying how env.py comes by its database ...")
    way = find_way(chain, Trial(named_in(chain, files), person.text))
    known = Known() if way.error else known_of(way.chain, cache)
    search = _databases(wish, way, known, files)
    chosen = _chosen(search, way, project, person)
    entries = entries_of(chosen, folder, wish.names)
    text = text_of(way, place.section, entries, folder)
    return Adoption(wish.file, text, place.words(folder), way, entries, tuple(search.notes))


def write(adoption: Adoption) -> None:
    """Write the file, after reading it as every command will. Raises ConfigError."""
    file = adoption.file
    try:
        with draft(file.parent) as copy:
            copy.write_text(adoption.text, encoding="utf-8")
            read_project(file, os.environ, copy)
        write_atomically(file, adoption.text)
        # Why: a draft can be read by its owner only, and the file is one of the project's.
        umask = os.umask(0)
        os.umask(umask)
        file.chmod(0o666 & ~umask)
    except OSError as error:
        advice = f"{_NOTHING}; -c FILE writes it elsewhere"
        raise ConfigError(str(file), "", f"cannot be written: {error.strerror or error}", advice) from error


def _project(wish: Wish) -> tuple[Path, tuple[Path, ...]]:
    """The folder of the project with its files: that of environments.toml, or the current one if that has no chain."""
    folder = wish.file.parent
    files = chains.files_of(folder)
    # Why: the folder of a project may be read-only, and the file is then written elsewhere.
    if folder == wish.here or chains.chains_in(folder, files):
        return folder, files
    return wish.here, chains.files_of(wish.here)


def _chain(wish: Wish, folder: Path, files: Iterable[Path], person: Person) -> Place:
    if wish.chain:
        return chains.place_named(wish.chain, folder)
    found = chains.chains_in(folder, files)
    if not found:
        raise chains.no_chain(folder)
    if len(found) == 1:
        return found[0]
    chosen = person.choice("Which chain?", [place.words(folder) for place in found])
    if chosen is None:
        raise chains.several_chains(found, folder)
    return found[chosen]


def _databases(wish: Wish, way: Way, known: Known, files: Iterable[Path]) -> Search:
    if wish.databases:
        return named_databases(wish.databases, way)
    return search_databases(way, known, files)


def _chosen(search: Search, way: Way, folder: Path, person: Person) -> tuple[Candidate, ...]:
    """Return the databases that a person accepts, of those that were found."""
    found = tuple(search.found.values())
    if not found:
        answer = person.text("No database was found. The path of one")
        if not answer and way.error:
            # Why this one: what keeps env.py from running kept it from naming its database.
            raise way.error
        if not answer:
            raise UsageError(
                "no database of the chain was found: " + "; ".join(search.notes or ["no file has its tables"]),
                f"{_NAME_ONE}; {_NOTHING}",
            )
        return tuple(named_databases([folder / answer], way).found.values())
    shown = ", ".join(_shown(each.path, folder) for each in found)
    if len(found) == 1 or person.agrees(f"{len(found)} databases: {shown}. Take all of them?"):
        return found
    chosen = tuple(each for each in found if person.agrees(f"Take {_shown(each.path, folder)} ({each.why})?"))
    if not chosen:
        raise UsageError("no database was chosen", f"name one: --db PATH; {_NOTHING}")
    return chosen


def _shown(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
