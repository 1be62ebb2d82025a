"""Context of one environment: its policies, chain, resolutions and files, for every service that works on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache as cache_of_calls
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.config.entry_paths import backups_beside, ledger_in
from architect_migrate.config.file_patterns import own_files
from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.registry import LOCAL, fold_of, kind_of, server_of
from architect_migrate.model.environment import chain_of_engine, resolutions_for, select_one
from architect_migrate.revisions.replay import source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from architect_migrate.config.file_patterns import OwnFiles
    from architect_migrate.diagnosis.claims import Claims
    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.environment import Environment, Policies, ProjectConfig, Resolution, Tracker
    from architect_migrate.model.history import History
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.plan import Plan, TrackerChange
    from architect_migrate.revisions.replay import Source


@dataclass(frozen=True, slots=True)
class EnvironmentContext:
    """One environment with its settings; `required` are those that must have run a revision before it.

    `keep` (a number) and `max_age` (seconds) limit its backups; None: no limit.
    `misspelt` are warnings about its [[resolve]] entries, one line each.
    """

    environment: Environment
    resolutions: tuple[Resolution, ...]
    tracker: Tracker | None
    source: Source
    backups: Path
    ledger: Path
    keep: int | None = None
    max_age: int | None = None
    required: tuple[EnvironmentContext, ...] = ()
    misspelt: tuple[str, ...] = ()

    def with_policies(self, policies: Policies) -> EnvironmentContext:
        """Return this context with other policies."""
        return replace(self, environment=replace(self.environment, policies=policies))

    @property
    def graph(self) -> RevisionGraph:
        """The revision graph for this environment; replays the chain unless that is cached."""
        return self.source.graph

    @property
    def chain(self) -> RevisionGraph:
        """The revision graph with all branches, those reserved for other environments included."""
        return self.source.whole.graph

    @property
    def history(self) -> History:
        """The history of the chain for this environment."""
        return self.source.history

    @property
    def config(self) -> ChainConfig:
        """The configuration of the chain for a run on this environment's database."""
        return self.source.chain.at(*self.environment.places)

    def hidden(self, version_table: str) -> tuple[str, ...]:
        """Return the tables of bookkeeping, which are not part of the schema."""
        return (version_table, self.tracker.table) if self.tracker else (version_table,)

    def corrections(self, claims: Claims, position: frozenset[str]) -> tuple[TrackerChange, ...]:
        """Return the corrections of the legacy tracker's rows; none unless `sync` is set."""
        if self.tracker is None or not self.tracker.sync:
            return ()
        # Why imported here: few projects set `sync`.
        from architect_migrate.planning.tracker_sync import corrections

        return corrections(self.tracker, claims, self.graph, position)

    def synced(self, claims: Claims, plan: Plan) -> Plan:
        """Return the plan with a last step that corrects the legacy tracker, if `sync` is set."""
        if self.tracker is None or not self.tracker.sync:
            return plan
        from architect_migrate.planning.tracker_sync import synced

        return synced(self.tracker, self.graph, claims, plan)


def contexts_for(
    project: ProjectConfig, environments: Iterable[Environment], cache: Path | None
) -> tuple[EnvironmentContext, ...]:
    """Return the contexts of environments, listed or not.

    Raises ChainError, ResolutionsClashError, NoFileMatchesError.
    """
    environments = tuple(environments)
    listed = {environment.name: environment for environment in project.environments}
    needed = {*environments}
    for name in {name for each in environments for name in each.requires}:
        # Why by `select_one`: it raises the error for a section without any file, which no revision has reached.
        needed.add(listed.get(name) or select_one(project, name))
    engines = {engine: chain_of_engine(project, engine) for engine in {environment.engine for environment in needed}}
    ordered = sorted(needed, key=lambda environment: environment.name)
    # Why once: each server that does not answer is waited for.
    alone = cache_of_calls(partial(chain_alone, project))
    chains = {each: _on_its_kind(alone, engines[each.engine], each) for each in ordered}
    # Why one source for all of an engine and a kind of database: the chain's files are read and replayed once.
    sources = {chain: source_of(chain, cache) for chain in dict.fromkeys(chains.values())}
    backups, ledger = backups_of(project), ledger_of(project)

    def context(environment: Environment) -> EnvironmentContext:
        return EnvironmentContext(
            environment=environment,
            resolutions=resolutions_for(project, environment, fold_of(environment.url)),
            tracker=project.tracker,
            source=as_listed(sources[chains[environment]], project, environment),
            backups=backups,
            ledger=ledger,
            keep=project.backup_keep,
            max_age=project.backup_max_age,
        )

    return tuple(
        replace(context(environment), required=tuple(context(listed[name]) for name in environment.requires))
        for environment in environments
    )


def chain_alone(project: ProjectConfig) -> ChainConfig:
    """Return the chain's configuration for a replay where no environment is meant.

    It is replayed on the kind that needs no server, unless every environment is on one: then on the first that answers.
    """
    if not project.environments or any(kind_of(environment.url) == LOCAL for environment in project.environments):
        return project.chain
    chains = (_on_server(project.chain, environment) for environment in project.environments)
    return next(
        (chain for chain in chains if chain), project.chain.on(kind_of(project.environments[0].url), "", "", "")
    )


def _on_its_kind(alone: Callable[[], ChainConfig], chain: ChainConfig, environment: Environment) -> ChainConfig:
    """Return the chain's configuration for a replay on the kind of an environment's database, and on its version.

    Where its server does not answer, it is replayed as the chain that `alone` returns (see `chain_alone`): each command
    that opens the database raises the reason.
    """
    if kind_of(environment.url) == LOCAL:
        return chain
    if found := _on_server(chain, environment):
        return found
    other = alone()
    return chain.on(other.kind, other.release, other.schema, other.server)


def _on_server(chain: ChainConfig, environment: Environment) -> ChainConfig | None:
    """Return the chain's configuration for a replay on an environment's server; None if that does not answer."""
    try:
        release, schema = server_of(environment.url)
    except ArchmigError:
        return None
    return chain.on(kind_of(environment.url), release, schema, environment.url.raw)


def ledger_of(project: ProjectConfig) -> Path:
    """Return the path of the ledger, which may not exist yet."""
    return ledger_in(project.file.parent, project.ledger)


def kept_for(project: ProjectConfig) -> OwnFiles:
    """Return what archmig keeps for the project, which is no database of it."""
    return own_files(ledger_of(project), backups_of(project))


def backups_of(project: ProjectConfig) -> Path:
    """Return the folder of the backups, which may not exist yet."""
    return backups_beside(ledger_of(project), project.backup_dir)


def state_folder(project: ProjectConfig) -> Path:
    """Return the folder of the ledger, in which archmig keeps what else it remembers of the project."""
    return ledger_of(project).parent


def as_listed(source: Source, project: ProjectConfig, environment: Environment) -> Source:
    """Return the chain without the branches that only other environments list."""
    reserved = sorted({word for each in project.environments for word in each.policies.heads} - {"head", "heads"})
    excluded = tuple(label for label in reserved if label not in environment.policies.heads)
    return source.without(excluded, tuple(reserved)) if excluded else source


def context_for(project: ProjectConfig, environment: Environment, cache: Path | None) -> EnvironmentContext:
    """Return the context of one environment. Raises as `contexts_for`."""
    return contexts_for(project, [environment], cache)[0]
