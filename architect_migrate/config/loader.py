"""Loader of environments.toml: finds the file and reads it in one pass into one typed value."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.config.chain_place import chain_at, found_in, with_engines
from architect_migrate.config.entry_paths import backups_beside, folder_of, ledger_in, looks_like_url, path_of, real
from architect_migrate.config.environments import Inherited, read_environments
from architect_migrate.config.file_patterns import own_files
from architect_migrate.config.locate import config_place, named_config
from architect_migrate.config.resolve_entries import read_resolution
from architect_migrate.config.toml_reader import (
    Table,
    age,
    boolean,
    choice,
    dotted,
    entries,
    expanded,
    given,
    known_keys,
    number,
    number_of_bytes,
    read_toml,
    shown,
    shown_path,
    subtable,
    text,
    texts,
    whole_number,
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
from architect_migrate.databases.registry import fold_of
from architect_migrate.model.choices import OnPending, Transaction, Uninitialised
from architect_migrate.model.environment import (
    KEEP,
    MAX_AGE,
    Environment,
    Notify,
    Policies,
    ProjectConfig,
    Repair,
    Section,
    Tracker,
    chain_of_engine,
    resolutions_for,
    select_one,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.config.toml_reader import Reader
    from architect_migrate.model.chain_config import ChainConfig

_TOP = ("alembic", "backup", "defaults", "env", "ledger", "notify", "postgresql", "resolve", "tracker")
_DAY, _RETRIES, _MOST_KEPT = 86_400, 100, 1_000_000


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
    "lock_retries": whole_number(0, _RETRIES),
    "on_pending": choice(OnPending),
    "require_rehearsal": boolean,
    "rehearsal_max_age": age,
    "transaction": choice(Transaction),
    "proof_copy_limit": number_of_bytes,
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
    alembic, backup, ledger = subtable(top, "alembic"), subtable(top, "backup"), _ledger(subtable(top, "ledger"))
    backups = real(path_of(backup, "dir"))
    place = ledger_in(folder_of(top), ledger)
    own = own_files(place, backups_beside(place, backups))
    environments, sections = read_environments(subtable(top, "env"), Inherited(_POLICIES, policies, own))
    known_keys(alembic, ("app", "baseline", "baseline_at", "config", "env", "replaces", "section", "x"))
    keep, max_age = _limits(backup)
    script, chain = path_of(alembic, "config"), replace(_chain(alembic), offered=_scratch(top))
    environments = with_engines(environments, chain)
    project = ProjectConfig(
        file=file,
        environments=environments,
        chain=chain,
        default_environment=_default_environment(defaults, environments, sections),
        defaults=policies,
        resolutions=tuple(read_resolution(entry, at) for at, entry in enumerate(entries(top, "resolve"), 1)),
        tracker=_tracker(subtable(top, "tracker")) if "tracker" in top.values else None,
        backup_dir=backups,
        backup_keep=keep,
        backup_max_age=max_age,
        notify=_notify(subtable(top, "notify")) if "notify" in top.values else None,
        script_written=script,
        sections=sections,
        ledger=ledger,
    )
    _refuse_contradictions(project, top)
    project = replace(project, warnings=tuple(_warnings(project, top)))
    # Why the first: commands without a database show one history, and each engine has its own.
    first = environments[0].engine if environments else ""
    return replace(project, chain=chain_of_engine(project, first))


def as_written(project: ProjectConfig, name: str) -> tuple[Path, Path]:
    """Return the paths of alembic.ini and of an environment's database as written, before any link is followed.

    Raises ConfigError for a database that is not a file.
    """
    environment = select_one(project, name)
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
    listed = [each for each in project.environments if database_identity(each.url) == database_identity(url)]
    if len(listed) > 1:
        raise SameDatabaseError(listed[0].name, listed[1].name, str(url.path))
    if listed:
        return listed[0]
    return Environment(shown_path(path), url, policies=project.defaults)


def _chain(table: Table) -> ChainConfig:
    """Read the [alembic] table: where the chain is configured, and what its env.py needs."""
    base, variables = folder_of(table), subtable(table, "env")
    config = real(path_of(table, "config")) or found_in(base) or base / "alembic.ini"
    return replace(
        chain_at(config, base, text(table, "section") or ""),
        x=texts(table, "x") or (),
        variables=tuple((name, expanded(variables, name) or "") for name in variables.values),
        app=text(table, "app") or "",
        baseline=_baseline(table),
        baseline_at=text(table, "baseline_at") or "base",
        replaces=_replaces(subtable(table, "replaces")),
    )


def _scratch(top: Table) -> str:
    """Read the URL of a server on which the chain may be replayed; empty if none is named."""
    table = subtable(top, "postgresql")
    known_keys(table, ("scratch",))
    found = expanded(table, "scratch") if "scratch" in table.values else ""
    if found and not _names_a_server(found):
        raise table.error("scratch", "is not the URL of a PostgreSQL server", 'write "postgresql://..."')
    return found or ""


def _names_a_server(url: str) -> bool:
    """Whether an environment could be a database of a server by such a URL."""
    try:
        return parse_url(url).path is None
    except BadUrlError:
        return False


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
    return str(path_of(table, "baseline") or "")


def _default_environment(
    defaults: Table, environments: tuple[Environment, ...], sections: tuple[Section, ...]
) -> str | None:
    name = text(defaults, "environment")
    names = [*(one.name for one in environments), *(one.name for one in sections)]
    if name is not None and name not in names:
        raise defaults.error("environment", f"no environment {shown(name)}", nearest(name, names))
    return name


def _limits(table: Table) -> tuple[int | None, int | None]:
    """Return how many backups are kept, and for how many seconds; None: no limit. The defaults apply to neither alone.

    Why: with one limit beside the default of the other, a backup would remain that the given limit removes.
    """
    known_keys(table, ("dir", "keep", "max_age"))
    if table.values.get("keep") == "all":
        if "max_age" in table.values:
            raise table.error("max_age", 'contradicts keep = "all"', "give one of them")
        return None, None
    if "keep" in table.values or "max_age" in table.values:
        return whole_number(1, _MOST_KEPT)(table, "keep"), age(table, "max_age")
    return KEEP, MAX_AGE


def _ledger(table: Table) -> Path | None:
    """Return the ledger's file, by the folder that [ledger] names, or by its own path; None without such a table."""
    known_keys(table, ("path",))
    place = real(path_of(table, "path"))
    if place is None:
        return None
    return place if place.suffix == ".db" and not place.is_dir() else place / "ledger.db"


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
    required |= {each.name: () for each in project.sections if not each.members}
    for one in project.environments:
        if one.requires:
            _refuse_requirements(required, one, top)
    known = {word for one in project.environments for word in one.words}
    known |= {word for one in project.sections for word in (one.name, *one.tags)}
    for entry in project.resolutions:
        for word in sorted(entry.environments - known):
            if _section_of(project, word):
                continue
            table = replace(top, place=f"resolve[{entry.origin.entry}]")
            raise table.error("environments", f"no environment or tag {shown(word)}", nearest(word, known))
    for environment in project.environments if project.resolutions else ():
        try:
            resolutions_for(project, environment, fold_of(environment.url))
        except ResolutionsClashError as error:
            problem = f"settles {error.settled} for {shown(environment.name)}, as resolve[{error.first}] does"
            table = replace(top, place=f"resolve[{error.second}]")
            raise table.error("", problem, "keep one of them") from None


def _warnings(project: ProjectConfig, top: Table) -> Iterator[str]:
    """Yield a line for each section whose files were not found, and for each entry that names a file not there.

    Why no errors: the files of a section come and go while the configuration stays.
    """
    for section in project.sections:
        if section.problem:
            yield str(replace(top, place=dotted("env", section.name)).error("path", section.problem))
    known = {word for one in project.environments for word in one.words}
    for entry in project.resolutions:
        for word in sorted(entry.environments - known):
            if its := _section_of(project, word):
                table = replace(top, place=f"resolve[{entry.origin.entry}]")
                yield str(table.error("environments", f"env.{its.name} has no file {shown(word)}"))


def _section_of(project: ProjectConfig, word: str) -> Section | None:
    """Return the section to which an environment of this name would belong."""
    return next((one for one in project.sections if word.startswith(f"{one.name}/")), None)


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
