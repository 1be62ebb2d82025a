"""Feature environments in words and as JSON: what was copied from where, what is gone and where its backup is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from architect_migrate.core.text import count

if TYPE_CHECKING:
    from architect_migrate.authoring.create_environment import Created
    from architect_migrate.authoring.drop_environment import Dropped


def created_lines(made: Created) -> tuple[str, ...]:
    """The result, and what is to be said beside it."""
    name, source = made.environment.name, made.source.name
    rows, tables = count(made.copy.rows, "row"), count(made.copy.tables, "table")
    entries = tuple(
        f"{it.origin} holds for {source} and not for {name}: name it there too if it is to" for it in made.elsewhere
    )
    return (f"{name}: {made.path}, a copy of {source}: {rows} in {tables}", *entries, *made.warnings)


def created_json(made: Created) -> dict[str, Any]:
    """The environment's part of the document."""
    return {
        "name": made.environment.name,
        "database": str(made.environment.url),
        "error": None,
        "from": made.source.name,
        "path": str(made.path),
        "size": made.copy.size,
        "tables": made.copy.tables,
        "rows": made.copy.rows,
        "digest": made.copy.digest,
        "not_resolved": [str(it.origin) for it in made.elsewhere],
        "warnings": [*made.warnings],
    }


def dropped_lines(gone: Dropped) -> tuple[str, ...]:
    """The result, and what is to be said beside it."""
    name = gone.environment.name
    if not gone.removed:
        return (f"{name}: taken out of environments.toml; no file was removed", *gone.warnings)
    kept = f"its last backup is {gone.backup}" if gone.backup else "there was nothing in it to back up"
    lock = "its lock file stays, for whoever may be waiting for it"
    return (f"{name}: gone; {kept}", f"removed {gone.removed}; {lock}", *gone.warnings)


def dropped_json(gone: Dropped) -> dict[str, Any]:
    """The environment's part of the document."""
    return {
        "name": gone.environment.name,
        "database": str(gone.environment.url),
        "error": None,
        "backup": None if gone.backup is None else str(gone.backup),
        "removed": None if gone.removed is None else str(gone.removed),
        "warnings": [*gone.warnings],
    }
