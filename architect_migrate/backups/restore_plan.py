"""What restoring a backup, or undoing a run, comes to: values that are shown first and carried out as shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.backups.record import Copy
    from architect_migrate.databases.values import Content, TableDelta


@dataclass(frozen=True, slots=True)
class Restoration:
    """What restoring a backup comes to.

    `now` is what the database holds (None: there is no file, or it is `damaged`), `then` what it will hold; `rows`
    how the rows of each table differ, `others` what else does, one line an object.
    """

    copy: Copy
    now: Content | None
    then: Content
    rows: tuple[TableDelta, ...]
    others: tuple[str, ...]
    damaged: str = ""

    @property
    def needless(self) -> bool:
        """Whether the database holds what the backup holds."""
        from architect_migrate.databases.values import differences

        return self.now is not None and not differences(self.now, self.then)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: `kept` is the backup of what was replaced, None where there was nothing."""

    restoration: Restoration
    kept: Path | None
    seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undoing:
    """What undo comes to: `restoration` of the backup of the last run, unless `since` says what was written since.

    With neither, the database is as it was before that run already, or no run is on record (`copy` is None).
    """

    copy: Copy | None
    restoration: Restoration | None = None
    since: tuple[str, ...] = ()

    @property
    def planned(self) -> bool:
        """Whether there is anything to do."""
        return self.restoration is not None and not self.restoration.needless
