"""The options that all commands share, as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """The shared options of one call, those before the command and those after it.

    `told` are the warnings about environments.toml that were printed: commands read the file more than once.
    """

    command: str = ""
    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    everything: bool = False
    jobs: int = 1
    config: Path | None = None
    as_json: bool = False
    debug: bool = False
    told: list[str] = field(default_factory=list, compare=False)

    @property
    def chosen(self) -> bool:
        """Whether any environment was named, in whatever way."""
        return bool(self.names or self.tags or self.paths or self.everything)
