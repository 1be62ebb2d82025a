"""What archmig cannot do on PostgreSQL: `databases.base.Capabilities`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.capabilities import Capability

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOOKS = "archmig only looks at PostgreSQL databases"

LACKS: Mapping[Capability, str] = {
    Capability.RUNS: _LOOKS,
    Capability.WHOLE: _LOOKS,
    Capability.GUARDED: _LOOKS,
    Capability.COLUMNS: _LOOKS,
    Capability.BACKUP: _LOOKS,
    Capability.UNDO: _LOOKS,
    Capability.COPIES: "`verify` reads the database itself, and the others are refused",
    Capability.LOCAL: "the chain is replayed on a scratch database of a server of the same major version",
    Capability.IN_PLACE: _LOOKS,
    Capability.WRITERS: _LOOKS,
}
