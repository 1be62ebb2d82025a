"""What SQLite cannot do: `databases.base.Capabilities`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.capabilities import Capability

if TYPE_CHECKING:
    from collections.abc import Mapping

LACKS: Mapping[Capability, str] = {
    Capability.IN_PLACE: "ALTER TABLE cannot do it, so the table is copied and compared",
    Capability.WRITERS: "a database has one writer at a time, so the application waits",
}
