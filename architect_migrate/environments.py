"""environments.toml: finds it, reads it, and refuses in one line what it cannot follow."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.environment import (
    Environment,
    Matrix,
    Policies,
    Tracker,
    distinct,
    resolutions_for,
    with_policies,
)
from architect_migrate.errors import (
    BadUrlError,
    ConfigError,
    ConfigNotFoundError,
    ResolutionsClashError,
    SameDatabaseError,
    nearest,
)
from architect_migrate.resolve_entries import read_resolution
from architect_migrate.toml_table import (
    Table,
    boolean,
    choice,
    entries,
    known_keys,
    number,
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
from architect_migrate.urls import DatabaseUrl, database_identity, parse_url, sqlite_url

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOP = ("alembic", "backup", "defaults", "env", "resolve", "tracker")
_POLICIES = ("lock_timeout", "protected", "repair", "target", "uninitialised")
_TRACKER = ("applied_at", "checksum", "description", "skipped", "table", "version")
_DAY = 86_400
_AGE = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_AGE_SECONDS = {"h": 3_600, "d": _DAY, "w": 7 * _DAY}
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})?")


def find_config(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The explicit file, else ARCHMIG_CONFIG's, else environments.toml in `cwd` or a folder above.

    Raises ConfigNotFoundError with the places looked at.
    """
    named = environ.get("ARCHMIG_CONFIG", "")
    places: tuple[Path, ...]
    words: tuple[str, ...]
    if explicit is not None:
        places, words = (cwd / explicit,), (f"-c {shown_path(explicit)}",)
    elif named:
        places, words = (cwd / named,), (f"ARCHMIG_CONFIG={shown_path(Path(named))}",)
    else:
        places = tuple(folder / "environments.toml" for folder in (cwd, *cwd.parents))
        words = (shown_path(cwd), "every folder above it")
    # lexists: a dangling link is a file that somebody meant, and reading it says what is wrong with it.
    found = next((place for place in places if os.path.lexists(place)), None)
    if found is None:
        raise ConfigNotFoundError(words)
    return found


def read_matrix(file: Path, environ: Mapping[str, str]) -> Matrix:
    """Everything the file says, `${VAR}` filled in from `environ`. Raises ConfigError."""
    top = read_toml(file)
    known_keys(top, _TOP)
    folder = file.absolute().parent
    defaults = subtable(top, "defaults")
    known_keys(defaults, ("environment", *_POLICIES))
    policies = _policies(defaults, Policies())
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
        tracker=_tracker(subtable(top, "tracker")) if "tracker" in top.values else None,
        backup_dir=_path(backup, "dir", folder, environ),
        backup_keep=optional_count(backup, "keep"),
        backup_max_age=_age(backup, "max_age"),
    )
    _refuse_contradictions(matrix, top)
    return matrix


def environment_at(matrix: Matrix, path: Path) -> Environment:
    """The environment of a file named by path: the listed one whose file it is, else a new one.

    A listed one keeps its protection; a new one bears the path as its name and has the policies of [defaults].
    Raises ConfigError for a path that no file can have.
    """
    if "\0" in str(path) or not str(path):
        raise ConfigError(shown_path(path), "", "no file can have this name", "name a database file")
    if path.parts[0].endswith(":") and not path.exists():
        # Not shown: as a path a URL has lost the shape by which its password is known.
        raise ConfigError(
            "a database's path", "", "it looks like a URL", "name a file, or list the URL as an environment"
        )
    url = sqlite_url(Path(os.path.realpath(path)))
    for listed in matrix.environments:
        if database_identity(listed.url) == database_identity(url):
            return listed
    return with_policies(shown_path(path), url, frozenset(), matrix.defaults)


def _policies(table: Table, inherited: Policies) -> Policies:
    return Policies(
        uninitialised=choice(table, "uninitialised", inherited.uninitialised),
        protected=boolean(table, "protected", inherited.protected),
        repair=choice(table, "repair", inherited.repair),
        target=string(table, "target", inherited.target),
        lock_timeout=number(table, "lock_timeout", inherited.lock_timeout, most=_DAY),
    )


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
    table = subtable(tables, name)
    known_keys(table, ("path", "tags", "url", *_POLICIES))
    tags = frozenset(strings(table, "tags") or ())
    return with_policies(name, _url(table, folder, environ), tags, _policies(table, inherited))


def _url(table: Table, folder: Path, environ: Mapping[str, str]) -> DatabaseUrl:
    if ("path" in table.values) == ("url" in table.values):
        both = "has both a path and a url" if "path" in table.values else "has neither a path nor a url"
        raise table.error("", both, 'give it one: path = "data/app.db"')
    path = _path(table, "path", folder, environ)
    if path is not None:
        return sqlite_url(path)
    try:
        url = parse_url(_expanded(table, "url", string(table, "url", ""), environ))
    except BadUrlError as error:
        raise table.error("url", error.problem, error.hint) from None
    return url if url.path is None else sqlite_url(Path(os.path.realpath(folder / url.path)))


def _path(table: Table, key: str, folder: Path, environ: Mapping[str, str]) -> Path | None:
    """The real path under a key, relative ones taken from the file's folder; None where there is none."""
    value = optional_string(table, key)
    if value is None:
        return None
    return Path(os.path.realpath(folder / _expanded(table, key, value, environ)))


def _expanded(table: Table, key: str, text: str, environ: Mapping[str, str]) -> str:
    """The text with its variables filled in; what they hold is not expanded again."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        if match["name"] is None:
            raise table.error(key, "a lone $", "${NAME} is a variable, $$ a dollar")
        found = environ.get(match["name"]) or match["default"]
        if found is None or (not found and match["default"] is None):
            name = match["name"]
            raise table.error(key, f"the variable {name} is not set", f"set it, or write ${{{name}:-default}}")
        return found

    expanded = _VARIABLE.sub(value, text)
    if not expanded.strip() or not one_line(expanded):
        raise table.error(key, "is empty or holds a control character", "look at its variables")
    return expanded


def _default_environment(defaults: Table, environments: tuple[Environment, ...]) -> str | None:
    name = optional_string(defaults, "environment")
    names = [one.name for one in environments]
    if name is not None and name not in names:
        raise defaults.error("environment", f"no environment {shown(name)}", nearest(name, names))
    return name


def _tracker(table: Table) -> Tracker:
    known_keys(table, _TRACKER)
    usual = Tracker()
    marks = strings(table, "skipped")
    return Tracker(
        table=string(table, "table", usual.table),
        version=string(table, "version", usual.version),
        applied_at=string(table, "applied_at", usual.applied_at),
        description=string(table, "description", usual.description),
        checksum=string(table, "checksum", usual.checksum),
        skipped=usual.skipped if marks is None else marks,
    )


def _age(table: Table, key: str) -> int | None:
    text = optional_string(table, key)
    if text is None:
        return None
    match = _AGE.fullmatch(text)
    if match is None:
        raise table.error(key, f"{shown(text)} is not an age", 'write "12h", "30d" or "8w"')
    return int(match[1]) * _AGE_SECONDS[match[2]]


def _refuse_contradictions(matrix: Matrix, top: Table) -> None:
    known = {word for one in matrix.environments for word in (one.name, *one.tags)}
    for entry in matrix.resolutions:
        for word in sorted(entry.environments - known):
            place = f"resolve[{entry.origin.entry}].environments"
            raise ConfigError(top.file, place, f"no environment or tag {shown(word)}", nearest(word, known))
    for environment in matrix.environments:
        try:
            resolutions_for(matrix, environment)
        except ResolutionsClashError as error:
            problem = f"settles {error.subject} for {shown(environment.name)}, as resolve[{error.first}] does"
            raise ConfigError(top.file, f"resolve[{error.second}]", problem, "keep one of them") from None
