"""environments.toml: finds it, reads it, and refuses in one line what it cannot follow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.config.locate import config_place
from architect_migrate.config.policies import POLICIES, age, expanded, read_notify, read_policies, read_tracker
from architect_migrate.config.resolve_entries import read_resolution
from architect_migrate.config.toml_reader import (
    Table,
    dotted,
    entries,
    known_keys,
    one_line,
    optional_count,
    optional_string,
    read_toml,
    shown,
    shown_path,
    string,
    strings,
    subtable,
)
from architect_migrate.core.errors import (
    BadUrlError,
    ConfigError,
    ConfigNotFoundError,
    ResolutionsClashError,
    SameDatabaseError,
    nearest,
)
from architect_migrate.core.urls import DatabaseUrl, database_identity, parse_url, sqlite_url
from architect_migrate.model.environment import Environment, Matrix, Policies, distinct, resolutions_for, with_policies

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOP = ("alembic", "backup", "defaults", "env", "notify", "resolve", "tracker")


def find_config(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The explicit file, else ARCHMIG_CONFIG's, else environments.toml in `cwd` or a folder above.

    Raises ConfigNotFoundError with the places looked at.
    """
    found = config_place(explicit, environ, cwd)
    if found is not None:
        return found
    if explicit is not None:
        raise ConfigNotFoundError((f"-c {shown_path(explicit)}",))
    if named := environ.get("ARCHMIG_CONFIG", ""):
        raise ConfigNotFoundError((f"ARCHMIG_CONFIG={shown_path(Path(named))}",))
    raise ConfigNotFoundError((shown_path(cwd), "every folder above it"))


def read_matrix(file: Path, environ: Mapping[str, str], instead: Path | None = None) -> Matrix:
    """Everything the file says, `${VAR}` filled in from `environ`; with `instead`, if it said what that file does.

    Raises ConfigError.
    """
    top = read_toml(file, instead)
    known_keys(top, _TOP)
    folder = file.absolute().parent
    defaults = subtable(top, "defaults")
    known_keys(defaults, ("environment", *POLICIES))
    policies = read_policies(defaults, Policies())
    environments = _environments(subtable(top, "env"), policies, folder, environ)
    alembic, backup = subtable(top, "alembic"), subtable(top, "backup")
    known_keys(alembic, ("config",))
    known_keys(backup, ("dir", "keep", "max_age"))
    matrix = Matrix(
        file=file,
        environments=environments,
        script=_path(alembic, "config", folder, environ) or folder / "alembic.ini",
        default_environment=_default_environment(defaults, environments),
        defaults=policies,
        resolutions=tuple(
            read_resolution(entry, file, place) for place, entry in enumerate(entries(top, "resolve"), 1)
        ),
        tracker=read_tracker(subtable(top, "tracker")) if "tracker" in top.values else None,
        backup_dir=_path(backup, "dir", folder, environ),
        backup_keep=optional_count(backup, "keep"),
        backup_max_age=age(backup, "max_age"),
        notify=read_notify(subtable(top, "notify"), environ) if "notify" in top.values else None,
    )
    _refuse_contradictions(matrix, top)
    return matrix


def as_written(file: Path, name: str, environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The alembic.ini and an environment's database as the file names them, before any link is followed.

    Raises ConfigError as `read_matrix` does, and for a database that is no file.
    """
    top, folder = read_toml(file), file.absolute().parent
    alembic, table = subtable(top, "alembic"), subtable(subtable(top, "env"), name)
    chain = optional_string(alembic, "config")
    return (
        folder / (expanded(alembic, "config", chain, environ) if chain else "alembic.ini"),
        folder / _database_as_written(table, environ),
    )


def _database_as_written(table: Table, environ: Mapping[str, str]) -> Path:
    if "path" in table.values:
        return Path(expanded(table, "path", string(table, "path", ""), environ))
    found = parse_url(expanded(table, "url", string(table, "url", ""), environ)).path
    if found is None:
        raise table.error("url", "names no file")
    return found


def environment_at(matrix: Matrix, path: Path) -> Environment:
    """The environment of a file named by path: the listed one whose file it is, else a new one.

    A listed one keeps its protection; a new one bears the path as its name and has the policies of [defaults].
    Raises ConfigError for a path that no file can have.
    """
    if "\0" in str(path) or not str(path):
        raise ConfigError(shown_path(path), "", "no file can have this name", "name a database file")
    if looks_like_url(path):
        # Not shown: as a path a URL has lost the shape by which its password is known.
        raise ConfigError(
            "a database's path", "", "it looks like a URL", "name a file, or list the URL as an environment"
        )
    url = sqlite_url(Path(os.path.realpath(path)))
    for listed in matrix.environments:
        if database_identity(listed.url) == database_identity(url):
            return listed
    return with_policies(shown_path(path), url, frozenset(), matrix.defaults)


def _environments(
    tables: Table, policies: Policies, folder: Path, environ: Mapping[str, str]
) -> tuple[Environment, ...]:
    environments = tuple(_environment(tables, name, policies, folder, environ) for name in tables.values)
    try:
        return distinct(environments)
    except SameDatabaseError as error:
        problem = f"is the same database as env.{error.first}: {error.database}"
        raise tables.error(error.second, problem, "give each environment its own") from None


def _environment(
    tables: Table, name: str, inherited: Policies, folder: Path, environ: Mapping[str, str]
) -> Environment:
    if not name or name != name.strip() or not one_line(name) or len(name) > 100:
        hint = "names are one line of 1 to 100 characters, no space at either end"
        raise tables.error("", f"the environment name {shown(name)} cannot be typed", hint)
    if "://" in name:
        # A name is shown everywhere, and not as a URL is, whose password is left out.
        raise tables.error("", f"the environment name {shown(name)} is a URL", "name it, and give the URL to its url")
    table = subtable(tables, name)
    known_keys(table, ("path", "requires", "tags", "url", *POLICIES))
    tags, requires = frozenset(strings(table, "tags") or ()), strings(table, "requires") or ()
    return with_policies(name, _url(table, folder, environ), tags, read_policies(table, inherited), requires)


def _url(table: Table, folder: Path, environ: Mapping[str, str]) -> DatabaseUrl:
    if ("path" in table.values) == ("url" in table.values):
        both = "has both a path and a url" if "path" in table.values else "has neither a path nor a url"
        raise table.error("", both, 'give it one: path = "data/app.db"')
    path = _path(table, "path", folder, environ)
    if path is not None:
        return sqlite_url(path)
    try:
        url = parse_url(expanded(table, "url", string(table, "url", ""), environ))
    except BadUrlError as error:
        raise table.error("url", error.problem, error.advice) from None
    return url if url.path is None else sqlite_url(Path(os.path.realpath(folder / url.path)))


def _path(table: Table, key: str, folder: Path, environ: Mapping[str, str]) -> Path | None:
    """The real path under a key, relative ones taken from the file's folder; None where there is none."""
    value = optional_string(table, key)
    if value is None:
        return None
    path = folder / expanded(table, key, value, environ)
    if looks_like_url(path.relative_to(folder) if path.is_relative_to(folder) else path):
        raise table.error(key, "looks like a URL, where a file or folder is to be named", "see url, or correct it")
    return Path(os.path.realpath(path))


def looks_like_url(path: Path) -> bool:
    """Whether a path is a URL that lost one of its slashes; such a one would be shown with its password."""
    return bool(path.parts) and path.parts[0].endswith(":") and not path.exists()


def _default_environment(defaults: Table, environments: tuple[Environment, ...]) -> str | None:
    name = optional_string(defaults, "environment")
    names = [one.name for one in environments]
    if name is not None and name not in names:
        raise defaults.error("environment", f"no environment {shown(name)}", nearest(name, names))
    return name


def _refuse_contradictions(matrix: Matrix, top: Table) -> None:
    required = {it.name: it.requires for it in matrix.environments}
    for one in matrix.environments:
        if one.requires:
            _refuse_requirements(required, one, top)
    known = {word for one in matrix.environments for word in (one.name, *one.tags)}
    for entry in matrix.resolutions:
        for word in sorted(entry.environments - known):
            place = f"resolve[{entry.origin.entry}].environments"
            raise ConfigError(top.file, place, f"no environment or tag {shown(word)}", nearest(word, known))
    for environment in matrix.environments if matrix.resolutions else ():
        try:
            resolutions_for(matrix, environment)
        except ResolutionsClashError as error:
            problem = f"settles {error.settled} for {shown(environment.name)}, as resolve[{error.first}] does"
            raise ConfigError(top.file, f"resolve[{error.second}]", problem, "keep one of them") from None


def _refuse_requirements(required: Mapping[str, tuple[str, ...]], environment: Environment, top: Table) -> None:
    """Refuse what is no environment, and environments that wait for each other."""
    table = Table(top.file, dotted("env", environment.name), {})
    for name in environment.requires:
        if name not in required:
            raise table.error("requires", f"no environment {shown(name)}", nearest(name, required))
    seen, waiting = set[str](), list(environment.requires)
    while waiting:
        name = waiting.pop()
        if name == environment.name:
            raise table.error(
                "requires", "comes back to this environment", "no two environments may wait for each other"
            )
        waiting += required.get(name, ()) if name not in seen else ()
        seen.add(name)
