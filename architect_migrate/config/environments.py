"""Reader of the [env.NAME] tables of environments.toml: one database each, or all files that a pattern matches."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.config.entry_paths import folder_of, path_of
from architect_migrate.config.file_patterns import is_pattern, matching, names_of
from architect_migrate.config.toml_reader import expanded, given, known_keys, one_line, shown, subtable, text, texts
from architect_migrate.core.errors import BadUrlError, SameDatabaseError
from architect_migrate.core.urls import parse_url, sqlite_url
from architect_migrate.model.environment import Environment, Section, distinct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.config.file_patterns import Matches, OwnFiles
    from architect_migrate.config.toml_reader import Reader, Table
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.model.environment import Policies


@dataclass(frozen=True, slots=True)
class Inherited:
    """What every [env.NAME] table is read with: readers of the policies, their defaults, and archmig's own files."""

    readers: Mapping[str, Reader]
    policies: Policies
    own: OwnFiles


def read_environments(tables: Table, inherited: Inherited) -> tuple[tuple[Environment, ...], tuple[Section, ...]]:
    """Read the tables in the order of the file: their environments, and those that stand for several."""
    environments, sections = list[Environment](), list[Section]()
    for name in tables.values:
        one, pattern = _environment(tables, name, inherited)
        if pattern is None:
            environments.append(one)
            continue
        found = matching(pattern, inherited.own)
        members = tuple(_members(one, pattern, found))
        environments += members
        written = text(subtable(tables, name), "path") or ""
        names = tuple(each.name for each in members)
        sections.append(Section(name, written, found.folder, names, one.tags, found.unread))
    _refuse_equal(tables, environments)
    requiring = (_with_members(each, sections) for each in environments)
    return tuple(requiring), tuple(sections)


def _members(section: Environment, pattern: Path, found: Matches) -> Iterator[Environment]:
    for file, name in zip(found.files, names_of(pattern, found), strict=True):
        written, url = file.written, sqlite_url(file.real)
        yield replace(section, name=f"{section.name}/{name}", url=url, path_written=written, section=section.name)


def _with_members(environment: Environment, sections: list[Section]) -> Environment:
    """Replace a section in `requires` by its environments. One without any stays: nothing is no requirement met."""
    if not environment.requires:
        return environment
    members = {each.name: each.members or (each.name,) for each in sections}
    named = dict.fromkeys(name for word in environment.requires for name in members.get(word, (word,)))
    # Why without itself: all others of its section may wait for it.
    others = (name for name in named if name != environment.name or not environment.section)
    return replace(environment, requires=tuple(others))


def _refuse_equal(tables: Table, environments: list[Environment]) -> None:
    """Refuse two tables with one database, and two environments with one name.

    Why a file that a pattern matches may be that of another table: which file it is may change at any time, and it is
    refused where both are selected.
    """
    names = dict[str, Environment]()
    for each in environments:
        if names.setdefault(each.name, each) is not each:
            both = f"and a file of env.{each.section or names[each.name].section} have the same name"
            raise tables.error(each.name, both, "give the environment another name")
    try:
        distinct(each for each in environments if not each.section)
    except SameDatabaseError as error:
        problem = f"is the same database as env.{error.first}: {error.database}"
        raise tables.error(error.second, problem, "give each environment its own") from None


def _environment(tables: Table, name: str, inherited: Inherited) -> tuple[Environment, Path | None]:
    """Read a table: its environment, and the absolute pattern if its path is one."""
    if not name or name != name.strip() or not one_line(name) or len(name) > 100:
        hint = "names are one line of 1 to 100 characters, no space at either end"
        raise tables.error("", f"the environment name {shown(name)} cannot be typed", hint)
    if "://" in name:
        # Why: names are shown unmasked, and a URL may hold a password.
        raise tables.error("", f"the environment name {shown(name)} is a URL", "name it, and give the URL to its url")
    table = subtable(tables, name)
    known_keys(table, (*OWN_KEYS, *inherited.readers))
    tags, requires = frozenset(texts(table, "tags") or ()), texts(table, "requires") or ()
    url, written, pattern = _database(table)
    own = replace(inherited.policies, **given(table, inherited.readers))
    return Environment(name, url, tags, own, requires, text(table, "engine") or "", written), pattern


OWN_KEYS = ("engine", "path", "requires", "tags", "url")


def _database(table: Table) -> tuple[DatabaseUrl, Path | None, Path | None]:
    """Return an environment's database, its path as written, and the pattern that stands for several.

    The path is None for a database that is not a file.
    """
    if ("path" in table.values) == ("url" in table.values):
        both = "has both a path and a url" if "path" in table.values else "has neither a path nor a url"
        raise table.error("", both, 'give it one: path = "data/app.db"')
    written = path_of(table, "path")
    if written is not None and is_pattern(written):
        return sqlite_url(written), written, _normal(table, written)
    if written is None:
        try:
            url = parse_url(expanded(table, "url") or "")
        except BadUrlError as error:
            raise table.error("url", error.problem, error.advice) from None
        if url.path is None:
            return url, None, None
        written = folder_of(table) / url.path
    return sqlite_url(Path(os.path.realpath(written))), written, None


def _normal(table: Table, pattern: Path) -> Path:
    """Return a pattern without `..`, which after a `*` would be another folder for each of its matches."""
    first = next(at for at, part in enumerate(pattern.parts) if is_pattern(part))
    if ".." in pattern.parts[first:]:
        raise table.error("path", "has .. after a *", "begin with the folder that the files are in")
    return Path(os.path.normpath(Path(*pattern.parts[:first])), *pattern.parts[first:])
