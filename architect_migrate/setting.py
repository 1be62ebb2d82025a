"""What a service needs to know to work on one environment: the environment, its chain, and what was settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.environment import resolutions_for
from architect_migrate.replay import history_of, outline_of

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.environment import Environment, Matrix, Resolution, Tracker
    from architect_migrate.history import History, Outline


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment and everything that holds for it; `cache` is where replays are remembered, if anywhere."""

    environment: Environment
    resolutions: tuple[Resolution, ...]
    tracker: Tracker | None
    script: Path
    cache: Path | None
    backups: Path
    ledger: Path

    def outline(self) -> Outline:
        """The chain in outline: cheap where it was replayed before."""
        return outline_of(self.script, self.cache)

    def history(self) -> History:
        """The chain and what each of its revisions does."""
        return history_of(self.script, self.cache)

    def hidden(self, version_table: str) -> tuple[str, ...]:
        """The tables that belong to the bookkeeping, not to the schema."""
        return (version_table, self.tracker.table) if self.tracker else (version_table,)


def setting_for(matrix: Matrix, environment: Environment, cache: Path | None) -> Setting:
    """The setting of an environment of a matrix, or of a file that is not in it."""
    home = matrix.file.parent / ".archmig"
    return Setting(
        environment,
        resolutions_for(matrix, environment),
        matrix.tracker,
        matrix.script,
        cache,
        matrix.backup_dir or home / "backups",
        home / "ledger.db",
    )
