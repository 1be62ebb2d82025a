"""What a transaction leaves that has overwritten a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from architect_migrate.databases.values import Content


@dataclass(frozen=True, slots=True)
class Overwritten:
    """What is still to be committed; `notes` say what of the backup is not there, or is there in other words."""

    content: Content
    notes: tuple[str, ...]
