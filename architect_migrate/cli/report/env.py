"""Feature environments that were made or taken away, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.cli.report.shared import Report, environment_json
from architect_migrate.core.text import pluralize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from architect_migrate.authoring.create_environment import Created
    from architect_migrate.authoring.drop_environment import Dropped
    from architect_migrate.cli.documents.changing import CreatedJson, DroppedJson


def created_report(made: Created, config: Path) -> Report:
    """An environment that was made; `config` is the environments.toml that lists it."""
    return _report(_created_lines(made), _created_json(made), config)


def dropped_report(gone: Dropped, config: Path) -> Report:
    """An environment that was taken out of an environments.toml."""
    return _report(_dropped_lines(gone), _dropped_json(gone), config)


def _report(lines: tuple[str, ...], environment: Mapping[str, object], config: Path) -> Report:
    """The first line is the result, the others are said beside it."""
    return Report(lambda *_: lines[0], lambda: [environment], lambda: {"config": str(config)}, lambda: lines[1:])


def _created_lines(made: Created) -> tuple[str, ...]:
    name, source = made.environment.name, made.source.name
    rows, tables = pluralize(made.copy.rows, "row"), pluralize(made.copy.tables, "table")
    entries = tuple(
        f"{entry.origin} holds for {source} and not for {name}: name it there too if it is to"
        for entry in made.elsewhere
    )
    return (f"{name}: {made.path}, a copy of {source}: {rows} in {tables}", *entries, *made.warnings)


def _created_json(made: Created) -> CreatedJson:
    return {
        **environment_json(made.environment.name, made.environment.url),
        "from": made.source.name,
        "path": str(made.path),
        "size": made.copy.size,
        "tables": made.copy.tables,
        "rows": made.copy.rows,
        "digest": made.copy.digest,
        "not_resolved": [str(entry.origin) for entry in made.elsewhere],
        "warnings": [*made.warnings],
    }


def _dropped_lines(gone: Dropped) -> tuple[str, ...]:
    name = gone.environment.name
    if not gone.removed:
        return (f"{name}: taken out of environments.toml; no file was removed", *gone.warnings)
    kept = f"its last backup is {gone.backup}" if gone.backup else "there was nothing in it to back up"
    lock = "its lock file stays, because another process may be waiting for it"
    return (f"{name}: gone; {kept}", f"removed {gone.removed}; {lock}", *gone.warnings)


def _dropped_json(gone: Dropped) -> DroppedJson:
    return {
        **environment_json(gone.environment.name, gone.environment.url),
        "backup": None if gone.backup is None else str(gone.backup),
        "removed": None if gone.removed is None else str(gone.removed),
        "warnings": [*gone.warnings],
    }
