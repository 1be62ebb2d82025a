"""Paths in environments.toml: relative to its folder, with variables, and never a URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.config.toml_reader import expanded

if TYPE_CHECKING:
    from architect_migrate.config.toml_reader import Table


def folder_of(table: Table) -> Path:
    """Return the folder of the configuration file, the base of relative paths."""
    return table.file.absolute().parent


def path_of(table: Table, key: str) -> Path | None:
    """Return the path under a key as written, made absolute; None if the key is absent."""
    value, folder = expanded(table, key), folder_of(table)
    if value is None:
        return None
    path = folder / value
    if looks_like_url(path.relative_to(folder) if path.is_relative_to(folder) else path):
        raise table.error(key, "looks like a URL, not a path", "name a file or folder, or use url")
    return path


def ledger_in(folder: Path, ledger: Path | None) -> Path:
    """Return the path of the ledger: the given one, or the usual one in a project's folder."""
    return ledger or folder / ".archmig" / "ledger.db"


def backups_beside(ledger: Path, backups: Path | None) -> Path:
    """Return the folder of the backups: the given one, or the usual one beside the ledger."""
    return backups or ledger.parent / "backups"


def real(path: Path | None) -> Path | None:
    """Return a path with all links followed."""
    return path and Path(os.path.realpath(path))


def looks_like_url(path: Path) -> bool:
    """Return whether a path is a URL that lost one of its slashes. Why: its password would not be masked."""
    return bool(path.parts) and path.parts[0].endswith(":") and not path.exists()
