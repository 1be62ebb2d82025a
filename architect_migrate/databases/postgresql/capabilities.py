"""What archmig cannot do on PostgreSQL: `databases.base.Capabilities`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.capabilities import Capability

if TYPE_CHECKING:
    from collections.abc import Mapping

LACKS: Mapping[Capability, str] = {
    Capability.MAKES: "its owner and its rights are not for archmig to decide",
    Capability.WHOLE: "what PostgreSQL refuses inside of a transaction divides it, and each part is proven and stamped",
    Capability.GUARDED: "PostgreSQL has no authorizer: the role's rights and the proof have to do",
    Capability.COLUMNS: "of triggers and functions only the tables are known, and the columns that their code names",
    Capability.BACKUP: "it is an archive of pg_dump, which is read to its end; what it restores is compared with it",
    Capability.COPIES: "`verify` reads the database itself, and the others are refused",
    Capability.LOCAL: "the chain is replayed on a scratch database of a server of the same major version",
}
