"""Loader of environments.toml: finds the file and reads it in one pass into one typed value."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.config.chain_place import chain_at, found_in, with_engine
from architect_migrate.config.locate import config_place, named_config
from architect_migrate.config.resolve_entries import read_resolution
from architect_migrate.config.toml_reader import (
    Table,
    age,
    boolean,
    choice,
    count,
    dotted,
    entries,
    expanded,
    given,
    known_keys,
    number,
    one_line,
    read_toml,
    shown,
    shown_path,
    subtable,
    text,
    texts,
)
from architect_migrate.core.errors import (
    BadUrlError,
    ConfigError,
    ConfigNotFoundError,
    ResolutionsClashError,
    SameDatabaseError,
    nearest,
)
from architect_migrate.core.urls import database_identity, parse_url, sqlite_url
from architect_migrate.model.environment import (
    Environment,
    Notify,
    OnPending,
    Policies,
    ProjectConfig,
    Repair,
    Tracker,
    Uninitialised,
    chain_of_engine,
    distinct,
    resolutions_for,
    select,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.config.toml_reader import Reader
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.model.chain_config import ChainConfig

_TOP = ("alembic", "backup", "defaults", "env", "notify", "resolve", "tracker")
_DAY = 86_400


def _heads(table: Table, key: str) -> tuple[str, ...] | None:
    """Read the heads of a table; empty if the table has a target, which replaces inherited heads."""
    if "target" in table.values and key in table.values:
        raise table.error(key, "is given beside target", "give only one of them")
    heads = texts(table, key)
    if heads == ():
        raise table.error(key, "is empty", 'name branches or revisions: ["head", "dev"]')
    return () if "target" in table.values else heads


# The readers of a table's keys, in the order in which they are checked.
_POLICIES: dict[str, Reader] = {
    "heads": _heads,
    "uninitialised": choice(Uninitialised),
    "protected": boolean,
    "repair": choice(Repair),
    "target": text,
    "lock_timeout": number(most=_DAY),
    "on_pending": choice(OnPending),
    "require_rehearsal": boolean,
    "rehearsal_max_age": age,
}
_TRACKER: dict[str, Reader] = {
    "skipped": texts,
    "table": text,
    "version": text,
    "applied_at": text,
    "description": text,
    "checksum": text,
    "sync": boolean,
}


def find_config(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the explicit file, else ARCHMIG_CONFIG's, else environments.toml in `cwd` or a folder above.

    Raises ConfigNotFoundError with the places searched.
    """
    file = config_place(explicit, environ, cwd)
    if file is not None:
        return file
    if explicit is not None:
        raise ConfigNotFoundError((f"-c {shown_path(explicit)}",))
    if named := named_config(environ):
        raise ConfigNotFoundError((f"ARCHMIG_CONFIG={shown_path(Path(named))}",))
    raise ConfigNotFoundError((shown_path(cwd), "every folder above it"))


def read_project(file: Path, environ: Mapping[str, str], instead: Path | None = None) -> ProjectConfig:
    """Read environments.toml, with `${VAR}` expanded from `environ`. Raises ConfigError.

    With `instead`, that file's text is read as if it stood in `file`: paths and messages are still those of `file`.
    """
    top = read_toml(file, environ, instead)
    known_keys(top, _TOP)
    defaults = subtable(top, "defaults")
    known_keys(defaults, ("environment", *_POLICIES))
    policies = replace(Policies(), **given(defaults, _POLICIES))
    environments = _environments(subtable(top, "env"), policies)
    alembic, backup = subtable(top, "alembic"), subtable(top, "backup")
    known_keys(alembic, ("app", "baseline", "baseline_at", "config", "env", "replaces", "section", "x"))
    known_keys(backup, ("dir", "keep", "max_age"))
    script = _path(alembic, "config")
    chain = _chain(alembic)
    environments = tuple(with_engine(each, chain) for each in environments)
    project = ProjectConfig(
        file=file,
        environments=environments,
        chain=chain,
        default_environment=_default_environment(defaults, environments),
        defaults=policies,
        resolutions=tuple(read_resolution(entry, at) for at, entry in enumerate(entries(top, "resolve"), 1)),
        tracker=_tracker(subtable(top, "tracker")) if "tracker" in top.values else None,
        backup_dir=_real(_path(backup, "dir")),
        backup_keep=count(backup, "keep"),
        backup_max_age=age(backup, "max_age"),
        notify=_notify(subtable(top, "notify")) if "notify" in top.values else None,
        script_written=script,
    )
    _refuse_contradictions(project, top)
    # Why the first: commands without a database show one history, and each engine has its own.
    first = environments[0].engine if environments else ""
    return replace(project, chain=chain_of_engine(project, first))


def as_written(project: ProjectConfig, name: str) -> tuple[Path, Path]:
    """Return the paths of alembic.ini and of an environment's database as written, before any link is followed.

    Raises ConfigError for a database that is not a file.
    """
    (environment,) = select(project, [name], [])
    if environment.path_written is None:
        raise ConfigError(shown_path(project.file), f"{dotted('env', name)}.url", "names no file")
    return project.script_written or project.chain.ini, environment.path_written


def environment_at(project: ProjectConfig, path: Path) -> Environment:
    """Return the environment of a file named by path: the listed one with that file, else a new one.

    A listed one keeps its policies; a new one has the path as its name and the policies of [defaults].
    Raises ConfigError for a path that no file can have.
    """
    if "\0" in str(path) or not str(path):
        raise ConfigError(shown_path(path), "", "no file can have this name", "name a database file")
    if looks_like_url(path):
        # Why the path is not shown: as a path a URL has lost the form by which `mask` recognises a password.
        raise ConfigError(
            "a database's path", "", "it looks like a URL", "name a file, or list the URL as an environment"
        )
    url = sqlite_url(Path(os.path.realpath(path)))
    for listed in project.environments:
        if database_identity(listed.url) == database_identity(url):
            return listed
    return Environment(shown_path(path), url, policies=project.defaults)


def _environments(tables: Table, inherited: Policies) -> tuple[Environment, ...]:
    environments = tuple(_environment(tables, name, inherited) for name in tables.values)
    try:
        return distinct(environments)
    except SameDatabaseError as error:
        problem = f"is the same database as env.{error.first}: {error.database}"
        raise tables.error(error.second, problem, "give each environment its own") from None


def _environment(tables: Table, name: str, inherited: Policies) -> Environment:
    if not name or name != name.strip() or not one_line(name) or len(name) > 100:
        hint = "names are one line of 1 to 100 characters, no space at either end"
        raise tables.error("", f"the environment name {shown(name)} cannot be typed", hint)
    if "://" in name:
        # Why: names are shown unmasked, and a URL may hold a password.
        raise tables.error("", f"the environment name {shown(name)} is a URL", "name it, and give the URL to its url")
    table = subtable(tables, name)
    known_keys(table, ("engine", "path", "requires", "tags", "url", *_POLICIES))
    tags, requires = frozenset(texts(table, "tags") or ()), texts(table, "requires") or ()
    url, written = _database(table)
    own = replace(inherited, **given(table, _POLICIES))
    return Environment(name, url, tags, own, requires, text(table, "engine") or "", written)


def _database(table: Table) -> tuple[DatabaseUrl, Path | None]:
    """Return an environment's database and its path as written; None for a database that is not a file."""
    if ("path" in table.values) == ("url" in table.values):
        both = "has both a path and a url" if "path" in table.values else "has neither a path nor a url"
        raise table.error("", both, 'give it one: path = "data/app.db"')
    written = _path(table, "path")
    if written is None:
        try:
            url = parse_url(expanded(table, "url") or "")
        except BadUrlError as error:
            raise table.error("url", error.problem, error.advice) from None
        if url.path is None:
            return url, None
        written = _folder(table) / url.path
    return sqlite_url(Path(os.path.realpath(written))), written


def _chain(table: Table) -> ChainConfig:
    """Read the [alembic] table: where the chain is configured, and what its env.py needs."""
    base, variables = _folder(table), subtable(table, "env")
    config = _real(_path(table, "config")) or found_in(base) or base / "alembic.ini"
    return replace(
        chain_at(config, base, text(table, "section") or ""),
        x=texts(table, "x") or (),
        variables=tuple((name, expanded(variables, name) or "") for name in variables.values),
        app=text(table, "app") or "",
        baseline=_baseline(table),
        baseline_at=text(table, "baseline_at") or "base",
        replaces=_replaces(subtable(table, "replaces")),
    )


def _replaces(table: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Read which revisions of the chain stand for some that it does not have any more."""
    found = tuple((revision, texts(table, revision) or ()) for revision in table.values)
    for revision, old in found:
        if not old:
            raise table.error(revision, "names no revision", 'list the ids that it stands for: ["old1", "old2"]')
    return found


def _baseline(table: Table) -> str:
    """Read what the chain begins with: the absolute path of a file, or a function; empty for nothing."""
    if "baseline_at" in table.values and "baseline" not in table.values:
        raise table.error("baseline_at", "is given without a baseline", 'name it: baseline = "baseline.sql"')
    value = expanded(table, "baseline") or ""
    module, _, function = value.partition(":")
    if all(part.isidentifier() for name in (module, function) for part in name.split(".")):
        return value
    return str(_path(table, "baseline") or "")


def _folder(table: Table) -> Path:
    """Return the folder of the configuration file, the base of relative paths."""
    return table.file.absolute().parent


def _path(table: Table, key: str) -> Path | None:
    """Return the path under a key as written, made absolute; None if the key is absent."""
    value, folder = expanded(table, key), _folder(table)
    if value is None:
        return None
    path = folder / value
    if looks_like_url(path.relative_to(folder) if path.is_relative_to(folder) else path):
        raise table.error(key, "looks like a URL, not a path", "name a file or folder, or use url")
    return path


def _real(path: Path | None) -> Path | None:
    return path and Path(os.path.realpath(path))


def looks_like_url(path: Path) -> bool:
    """Return whether a path is a URL that lost one of its slashes. Why: its password would not be masked."""
    return bool(path.parts) and path.parts[0].endswith(":") and not path.exists()


def _default_environment(defaults: Table, environments: tuple[Environment, ...]) -> str | None:
    name = text(defaults, "environment")
    names = [one.name for one in environments]
    if name is not None and name not in names:
        raise defaults.error("environment", f"no environment {shown(name)}", nearest(name, names))
    return name


def _tracker(table: Table) -> Tracker:
    known_keys(table, _TRACKER)
    tracker = replace(Tracker(), **given(table, _TRACKER))
    if tracker.table.lower().startswith("sqlite_"):
        raise table.error("table", "is SQLite's own", "name the table in which the old tool kept its versions")
    return tracker


def _notify(table: Table) -> Notify:
    """Read the [notify] table. The webhook's URL is a secret, so that messages do not show it."""
    known_keys(table, ("command", "webhook"))
    webhook, command = text(table, "webhook"), texts(table, "command") or ()
    if not webhook and not command:
        raise table.error("", "has no receiver", 'add webhook = "https://..." or command = ["..."]')
    address = expanded(table, "webhook") or ""
    if address and not address.startswith(("http://", "https://")):
        raise table.error("webhook", "is not an http or https URL", 'write webhook = "https://..."')
    return Notify(address, command)


def _refuse_contradictions(project: ProjectConfig, top: Table) -> None:
    required = {each.name: each.requires for each in project.environments}
    for one in project.environments:
        if one.requires:
            _refuse_requirements(required, one, top)
    known = {word for one in project.environments for word in (one.name, *one.tags)}
    for entry in project.resolutions:
        for word in sorted(entry.environments - known):
            table = replace(top, place=f"resolve[{entry.origin.entry}]")
            raise table.error("environments", f"no environment or tag {shown(word)}", nearest(word, known))
    for environment in project.environments if project.resolutions else ():
        try:
            resolutions_for(project, environment)
        except ResolutionsClashError as error:
            problem = f"settles {error.settled} for {shown(environment.name)}, as resolve[{error.first}] does"
            table = replace(top, place=f"resolve[{error.second}]")
            raise table.error("", problem, "keep one of them") from None


def _refuse_requirements(required: Mapping[str, tuple[str, ...]], environment: Environment, top: Table) -> None:
    """Refuse unknown names in `requires`, and environments that require each other."""
    table = replace(top, place=dotted("env", environment.name))
    for name in environment.requires:
        if name not in required:
            raise table.error("requires", f"no environment {shown(name)}", nearest(name, required))
    seen, waiting = set[str](), list(environment.requires)
    while waiting:
        name = waiting.pop()
        if name == environment.name:
            raise table.error("requires", "leads back to this environment", "environments must not require each other")
        waiting += required.get(name, ()) if name not in seen else ()
        seen.add(name)
