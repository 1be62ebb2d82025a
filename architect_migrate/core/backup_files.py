"""Names of backups in their folder."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from architect_migrate.core.atomic_files import move_to_free_name, sync
from architect_migrate.core.names import file_safe

if TYPE_CHECKING:
    from pathlib import Path


def publish(copy: Path, folder: Path, name: str, ending: str) -> Path:
    """Give a complete file the name of the newest backup of an environment, and sync the folder. Raises OSError."""
    safe = file_safe(name)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    # Why above the highest: the numbers show the order of backups taken within one second.
    beginning = f"{safe}-{moment}-"
    given = [re.match(r"\d+", path.name.removeprefix(beginning)) for path in folder.glob(f"{beginning}*")]
    number = 1 + max((int(match[0]) for match in given if match), default=0)
    while True:
        final = folder / f"{safe}-{moment}-{number}{ending}"
        if move_to_free_name(copy, final):
            break
        number += 1
    try:
        sync(folder)
    except OSError:
        final.unlink()
        raise
    return final
