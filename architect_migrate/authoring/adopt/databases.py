"""Search for the databases of a chain: what alembic.ini names, what env.py opens, and files in the project."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import StampError
from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.core.errors import BadUrlError, UsageError
from architect_migrate.core.names import BACKUP_NAME, fold
from architect_migrate.core.urls import parse_url, sqlite_url
from architect_migrate.databases.registry import LOCAL, about, access, marks
from architect_migrate.revisions.files import urls_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.authoring.adopt.way import Way
    from architect_migrate.model.chain_config import ChainConfig

# How many databases of one folder are many: they get one entry with a pattern.
_MANY = 4
_TIMEOUT = 5.0


class Origin(Enum):
    """How a database was found: named on the command line, named by the chain's configuration or code, or as a file."""

    GIVEN = "given"
    NAMED = "named"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be a database of the chain; `why` says how it was found. `engine` is its name in env.py."""

    path: Path
    origin: Origin
    why: str
    engine: str = ""

    @property
    def real(self) -> str:
        """The path with all links followed."""
        return os.path.realpath(self.path)

    @property
    def exists(self) -> bool:
        """Whether there is a file, and something in it."""
        return not access.is_empty(sqlite_url(self.path))


@dataclass(frozen=True, slots=True)
class Listed:
    """An [env.NAME] to be written: one database, or a pattern with the files that it matches now."""

    name: str
    path: Path
    why: str
    engine: str = ""
    files: tuple[Path, ...] = ()
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the chain: its version table, its tables by folded names, and its revisions.

    Without tables, because the chain does not run yet, every stamped database may be one of it.
    """

    version_table: str = "alembic_version"
    tables: frozenset[str] = frozenset()
    revisions: frozenset[str] = frozenset()


@dataclass(slots=True)
class Search:
    """The candidates so far, in order, and why others were left out, a line each."""

    found: dict[str, Candidate] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, candidate: Candidate) -> None:
        """Add a candidate, unless its file is one already. An engine is kept, wherever it was learnt."""
        first = self.found.setdefault(candidate.real, candidate)
        if candidate.engine and not first.engine:
            self.found[candidate.real] = replace(first, engine=candidate.engine)


def named_databases(paths: Iterable[Path], way: Way) -> Search:
    """Return the databases that a person named. Raises UsageError for one that does not exist.

    In an env.py for several databases each gets the engine that has its file.
    """
    search, engines = Search(), {each.real: each.engine for each in _named(way).found.values()}
    for path in paths:
        if not path.exists():
            advice = "name a database that exists, or create an empty file for a new one; nothing was written"
            raise UsageError(f"--db {path}: no such file", advice)
        # Why not resolved: the file is written as it was given, with its links.
        absolute = Path(os.path.abspath(path))  # noqa: PTH100  (see above)
        engine = engines.get(os.path.realpath(absolute), "")
        if way.engines and not engine:
            search.notes.append(f"{path}: env.py is for several databases; write its engine below its [env]")
        search.add(Candidate(absolute, Origin.GIVEN, "Named with --db", engine))
    return search


def search_databases(way: Way, known: Known, files: Iterable[Path]) -> Search:
    """Search for all databases of a chain: those that env.py and alembic.ini name, then files that have its tables."""
    search = _named(way)
    there = {each.engine for each in search.found.values()}
    missing = (name for name, _ in way.engines if name not in there)
    search.notes += [f"no file was found for the engine {name} of env.py" for name in missing]
    for file in files:
        new = os.path.realpath(file) not in search.found and not BACKUP_NAME.fullmatch(file.name)
        if file.suffix in about(LOCAL).SUFFIXES and new and access.is_database(file):
            _judge(search, file, known, way)
    return search


def _named(way: Way) -> Search:
    """Return the databases that env.py opened by itself, and those that alembic.ini names."""
    search = Search()
    for engine, path in way.engines:
        if path:
            search.add(Candidate(path, Origin.NAMED, f"Opened by env.py as {engine}", engine))
    # Why not of several engines: an environment without its engine would be wrong.
    for path in () if way.engines else way.opened:
        search.add(Candidate(path, Origin.NAMED, "Opened by env.py"))
    _add_of_ini(search, way)
    return search


def _add_of_ini(search: Search, way: Way) -> None:
    chain, engines = way.chain, {name for name, _ in way.engines}
    for section, text in urls_in(chain.ini):
        try:
            # Why: what follows are options of the driver.
            path = parse_url(text.partition("?")[0]).path
        except BadUrlError as error:
            # Why not of others: the templates have a URL that has to be filled in.
            if text.startswith("sqlite"):
                search.notes.append(
                    f"the sqlalchemy.url of [{section}] in {chain.ini.name} was left out: {error.problem}"
                )
            continue
        if path is None:
            search.notes.append(f"[{section}] of {chain.ini.name} names a database that is not SQLite: left out")
            continue
        engine = section if section in engines else ""
        if engines and not engine:
            continue
        why = f"The sqlalchemy.url of [{section}] in {chain.ini.name}"
        search.add(Candidate(chain.root / path, Origin.NAMED, why, engine))


def _judge(search: Search, file: Path, known: Known, way: Way) -> None:
    """Add a file if it is a database of the chain; else note why it is not, where that may surprise."""
    url = sqlite_url(file)
    try:
        tables = marks.names_in(url, _TIMEOUT).tables
        stamp = marks.read_stamp(url, _TIMEOUT, known.version_table)
    except (DatabaseError, StampError) as error:
        search.notes.append(f"{file} was left out: {error}")
        return
    common = tables & known.tables - {fold(known.version_table)}
    strange = [revision for revision in stamp if known.revisions and revision not in known.revisions]
    if strange and not common:
        search.notes.append(
            f"{file} was left out: it is stamped with {', '.join(strange)}, which belongs to another chain"
        )
    elif fold(known.version_table) not in tables and 2 * len(common) < max(min(len(tables), len(known.tables)), 1):
        if common:
            few = f"of its {len(tables)} tables the chain has only {len(common)}"
            search.notes.append(f"{file} was left out: it has no version table, and {few}")
    elif way.engines:
        search.notes.append(f"{file} was left out: env.py is for several databases. Add it with its engine")
    else:
        stamped = fold(known.version_table) in tables
        search.add(Candidate(file, Origin.FOUND, f"Found by its {'version table' if stamped else 'tables'}"))


def entries_of(candidates: Iterable[Candidate], folder: Path, names: tuple[str, ...] = ()) -> tuple[Listed, ...]:
    """Return the entries for databases: many files in one folder share one, all others have their own."""
    candidates = tuple(candidates)
    patterns = () if names else tuple(_patterns(candidates))
    together = {path for entry in patterns for path in entry.files}
    single = [each for each in candidates if each.path not in together]
    taken = {entry.name for entry in patterns}
    given = [*names, *_names([each.path for each in single[len(names) :]], folder, taken)]
    its = (
        Listed(name, each.path, each.why, each.engine, is_new=not each.exists)
        for name, each in zip(given, single, strict=True)
    )
    return (*its, *patterns)


def _patterns(candidates: tuple[Candidate, ...]) -> Iterator[Listed]:
    """Yield an entry for each folder that has many databases of the chain and no other file with their suffix."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for each in candidates:
        if each.origin is Origin.FOUND and "*" not in str(each.path):
            groups.setdefault((each.path.parent, each.path.suffix), []).append(each.path)
    for (parent, suffix), files in groups.items():
        if len(files) >= _MANY and {*parent.glob(f"[!.]*{suffix}")} == {*files}:
            yield Listed(parent.name, parent / f"*{suffix}", "", files=tuple(sorted(files)))


def _names(paths: list[Path], folder: Path, taken: set[str]) -> list[str]:
    """Return names for databases: of their files, else of their folders, where these differ."""
    ways = (
        [path.stem for path in paths],
        [path.parent.name for path in paths],
        [f"{path.parent.name}-{path.stem}" for path in paths],
        [os.path.relpath(path, folder) for path in paths],
    )
    good = (
        names for names in ways if len({*names}) == len(names) and not taken & {*names} and all(map(_is_name, names))
    )
    return next(good, [f"db{number}" for number in range(1, len(paths) + 1)])


def _is_name(word: str) -> bool:
    return bool(word) and word == word.strip() and word.isprintable() and len(word) <= 100 and "://" not in word


def known_of(chain: ChainConfig, cache: Path | None) -> Known:
    """Return what is known of a chain that runs. Raises as `Source.history`."""
    from architect_migrate.revisions.replay import source_of

    source = source_of(chain, cache)
    return Known(source.graph.version_table, source.names.tables, frozenset(source.graph.order))
