"""What is known of each backup: a file NAME.db.json beside NAME.db, and the backups that a folder has."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architect_migrate.core.atomic_files import sync, write_whole
from architect_migrate.core.database_errors import BackupError, BackupFolderError
from architect_migrate.core.names import file_safe
from architect_migrate.core.secrets import mask
from architect_migrate.databases.values import Content, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

_VERSION = 1
_LARGEST = 64 << 20
_NAME = re.compile(r"(?P<name>.+)-(?P<moment>\d{8}T\d{6}Z)-(?P<number>\d{1,9})(?P<damaged>-damaged)?\.db")
_MOMENT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Record:
    """What a backup was taken of (environment and URL without secrets) and for (a command), and what it held then.

    `after` is what the run left that it was taken for; None where nothing was to be changed, or no run got that far.
    `checked_at` is when it was last read as a whole (UTC, ISO 8601), `problem` what was wrong with it then.
    """

    environment: str
    database: str
    purpose: str
    size: int
    content: Content
    checked_at: str
    problem: str = ""
    after: Content | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """A backup in a folder: `taken_at` and `number` order them, `record` is None where none can be read.

    `damaged`: a copy of a database that was damaged when it was taken.
    """

    path: Path
    name: str
    taken_at: datetime
    number: int
    size: int
    damaged: bool
    record: Record | None

    @property
    def problem(self) -> str:
        """What speaks against it at a glance; empty where nothing does."""
        if self.damaged:
            return "a copy of a damaged database"
        if self.record is None:
            return ""
        return self.record.problem or (
            "" if self.size == self.record.size else "has another size than it was taken with"
        )


def record_file(backup: Path) -> Path:
    """Where the record of a backup is."""
    return backup.with_name(f"{backup.name}.json")


def write_record(backup: Path, record: Record) -> None:
    """Put a record beside its backup, in the place of the one that is there. Raises BackupError."""
    told = {
        **{name: value for name, value in asdict(record).items() if name not in {"content", "after"}},
        "version": _VERSION,
        "database": mask(record.database),
        "content": to_json(record.content),
        "after": None if record.after is None else to_json(record.after),
    }
    try:
        write_whole(record_file(backup), json.dumps(told))
    except OSError as error:
        problem = f"its record cannot be written: {error.strerror or error}"
        raise BackupError(str(backup.parent), problem) from error


def read_record(backup: Path) -> Record | None:
    """The record of a backup; None where there is none that this archmig can read."""
    try:
        descriptor = os.open(record_file(backup), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return _record(json.loads(file.read(_LARGEST)))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _record(told: dict[str, Any]) -> Record | None:
    if told["version"] != _VERSION:
        return None
    return Record(
        environment=str(told["environment"]),
        database=str(told["database"]),
        purpose=str(told["purpose"]),
        size=int(told["size"]),
        content=from_json(told["content"]),
        checked_at=str(told["checked_at"]),
        problem=str(told["problem"]),
        after=None if told["after"] is None else from_json(told["after"]),
    )


def copy_at(path: Path) -> Copy | None:
    """The backup that a file is; None for a file that is none, by its name or its kind."""
    match = _NAME.fullmatch(path.name)
    if match is None or path.is_symlink() or not path.is_file():
        return None
    try:
        taken_at = datetime.strptime(match["moment"], _MOMENT).replace(tzinfo=UTC)
        size = path.stat().st_size
    except (ValueError, OSError):
        return None
    number, damaged = int(match["number"]), match["damaged"] is not None
    return Copy(path, match["name"], taken_at, number, size, damaged, read_record(path))


def copies(folder: Path) -> tuple[Copy, ...]:
    """Every backup in a folder, oldest first; none where there is no folder. Raises BackupFolderError."""
    try:
        found = [copy_at(path) for path in folder.iterdir()] if folder.is_dir() else []
    except OSError as error:
        raise BackupFolderError(str(folder), f"cannot be read: {error.strerror or error}") from error
    return tuple(
        sorted((copy for copy in found if copy), key=lambda copy: (copy.taken_at, copy.number, copy.path.name))
    )


def copies_of(found: Iterable[Copy], environment: str, database: str) -> tuple[Copy, ...]:
    """Those of one environment: by the database in their record, by their name where they have none.

    A record with this environment's name and another database counts where that database is no longer there: the
    project was moved. Where it is there, two projects share a folder.
    """
    return tuple(copy for copy in found if _belongs(copy, environment, mask(database)))


def _belongs(copy: Copy, environment: str, database: str) -> bool:
    if copy.record is None:
        return copy.name == file_safe(environment)
    if copy.record.database == database:
        return True
    return copy.record.environment == environment and _is_gone(Path(copy.record.database.removeprefix("sqlite:///")))


def _is_gone(database: Path) -> bool:
    """Whether there is no such file; where that cannot be told, somebody else's folder has it."""
    try:
        return not database.exists()
    except OSError:
        return False


def remove(copy: Copy) -> None:
    """Delete a backup, then its record. Raises BackupFolderError."""
    try:
        copy.path.unlink()
        record_file(copy.path).unlink(missing_ok=True)
        sync(copy.path.parent)
    except OSError as error:
        problem = f"{copy.path.name} cannot be removed: {error.strerror or error}"
        raise BackupFolderError(str(copy.path.parent), problem) from error
