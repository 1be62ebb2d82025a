"""What a database holds after a commit that did not end well: SQLite's error alone does not tell."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from architect_migrate.content import Content, content_of, differences
from architect_migrate.database import reading
from architect_migrate.errors import ArchmigError

if TYPE_CHECKING:
    from pathlib import Path


class Landed(Enum):
    """Which of the two moments around a commit a database is in; UNKNOWN: it cannot be read, or is in neither."""

    BEFORE = "before"
    AFTER = "after"
    UNKNOWN = "unknown"


def landed(path: Path, timeout: float, before: Content | None, after: Content | None) -> Landed:
    """Read everything in a database again, and compare it with what was there and what was to be there."""
    try:
        with reading(path, timeout) as connection:
            now = content_of(connection)
    except ArchmigError:
        return Landed.UNKNOWN
    if after is not None and not differences(after, now):
        return Landed.AFTER
    same = not differences(before, now) if before is not None else not now.objects
    return Landed.BEFORE if same else Landed.UNKNOWN
