"""What a service needs to know to work on one environment: the environment, its chain, and what was settled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.model.environment import resolutions_for
from architect_migrate.revisions.replay import source_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from architect_migrate.diagnosis.claims import Claims
    from architect_migrate.model.environment import Environment, Policies, ProjectConfig, Resolution, Tracker
    from architect_migrate.model.history import History
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.plan import Plan, TrackerChange
    from architect_migrate.revisions.replay import Source


@dataclass(frozen=True, slots=True)
class EnvironmentContext:
    """One environment and everything that holds for it; `required` are those that must have had a revision before it.

    `keep` (a number) and `max_age` (seconds) say which of its backups may go; None: whatever their number, or age.
    `misspelt` is what there is to say of its entries, a line each.
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
        """The same setting, its environment treated by these policies."""
        return replace(self, environment=replace(self.environment, policies=policies))

    @property
    def graph(self) -> RevisionGraph:
        """The chain in outline, as this environment has it: cheap where it was replayed before."""
        return self.source.graph

    @property
    def chain(self) -> RevisionGraph:
        """The whole chain in outline, with the branches that other environments have to themselves."""
        return self.source.whole.graph

    @property
    def history(self) -> History:
        """The chain and what each of its revisions does."""
        return self.source.history

    def hidden(self, version_table: str) -> tuple[str, ...]:
        """The tables that belong to the bookkeeping, not to the schema."""
        return (version_table, self.tracker.table) if self.tracker else (version_table,)

    def corrections(self, claims: Claims, position: frozenset[str]) -> tuple[TrackerChange, ...]:
        """What has to change in the legacy tracker, where it is to be kept true, for its rows to be so."""
        if self.tracker is None or not self.tracker.sync:
            return ()
        from architect_migrate.planning.tracker_sync import corrections

        return corrections(self.tracker, claims, self.graph, position)

    def synced(self, claims: Claims, plan: Plan) -> Plan:
        """The same plan, with the legacy tracker corrected at its end where it is to be kept true."""
        if self.tracker is None or not self.tracker.sync:
            return plan
        from architect_migrate.planning.tracker_sync import synced

        return synced(self.tracker, self.graph, claims, plan)


def contexts_for(
    project: ProjectConfig, environments: Iterable[Environment], cache: Path | None
) -> tuple[EnvironmentContext, ...]:
    """The settings of environments of a matrix, or of files that are not in it; the chain's files are read once."""
    source = source_of(project.script, cache)
    backups, ledger = project.backup_dir or _home(project) / "backups", ledger_of(project)

    def context(environment: Environment) -> EnvironmentContext:
        return EnvironmentContext(
            environment=environment,
            resolutions=resolutions_for(project, environment),
            tracker=project.tracker,
            source=as_listed(source, project, environment),
            backups=backups,
            ledger=ledger,
            keep=project.backup_keep,
            max_age=project.backup_max_age,
        )

    listed = {environment.name: environment for environment in project.environments}
    return tuple(
        replace(context(environment), required=tuple(context(listed[name]) for name in environment.requires))
        for environment in environments
    )


def ledger_of(project: ProjectConfig) -> Path:
    """Where the ledger is, whether or not anything was entered yet."""
    return _home(project) / "ledger.db"


def _home(project: ProjectConfig) -> Path:
    return project.file.parent / ".archmig"


def as_listed(source: Source, project: ProjectConfig, environment: Environment) -> Source:
    """The chain without the branches that other environments list and this one does not."""
    reserved = sorted({word for each in project.environments for word in each.policies.heads} - {"head", "heads"})
    excluded = tuple(label for label in reserved if label not in environment.policies.heads)
    return source.without(excluded, tuple(reserved)) if excluded else source


def context_for(project: ProjectConfig, environment: Environment, cache: Path | None) -> EnvironmentContext:
    """The setting of one environment."""
    return contexts_for(project, [environment], cache)[0]
