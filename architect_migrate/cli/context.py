"""The options that every command shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for, before and after the command."""

    command: str = ""
    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    everything: bool = False
    jobs: int = 1
    config: Path | None = None
    as_json: bool = False
    debug: bool = False

    @property
    def chosen(self) -> bool:
        """Whether any environment was named, by whatever option."""
        return bool(self.names or self.tags or self.paths or self.everything)
