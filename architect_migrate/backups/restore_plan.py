"""Plans of a restore or an undo, as values that are shown first and executed as shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.backups.record import Copy
    from architect_migrate.databases.values import Content, Difference, TableDelta


@dataclass(frozen=True, slots=True)
class Restoration:
    """Plan of a restore.

    `now` is the database's content (None: there is no file, or it is `damaged`), `then` its content afterwards. `rows`
    are the differences of each table's rows, `others` the other differences.
    """

    copy: Copy
    now: Content | None
    then: Content
    rows: tuple[TableDelta, ...]
    others: tuple[Difference, ...]
    damaged: str = ""

    @property
    def needless(self) -> bool:
        """Whether the database already has the backup's content."""
        from architect_migrate.databases.values import differences

        return self.now is not None and not differences(self.now, self.then)


@dataclass(frozen=True, slots=True)
class Restored:
    """Result of a restore: `kept` is the backup of the replaced content, None if there was none."""

    restoration: Restoration
    kept: Path | None
    seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undoing:
    """Plan of an undo: the `restoration` of the last run's backup, unless `since` lists what was written afterwards.

    With neither, the database is already as before that run, or no run is recorded (`copy` is None).
    """

    copy: Copy | None
    restoration: Restoration | None = None
    since: tuple[str, ...] = ()

    @property
    def planned(self) -> bool:
        """Whether the undo would change anything."""
        return self.restoration is not None and not self.restoration.needless
