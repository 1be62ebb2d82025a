"""Records of backups (NAME.db.json beside NAME.db), and the list of backups in a folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architect_migrate.core.atomic_files import sync, write_atomically
from architect_migrate.core.database_errors import BackupError, BackupFolderError
from architect_migrate.core.names import BACKUP_NAME, file_safe
from architect_migrate.core.secrets import mask
from architect_migrate.databases.values import Recorded, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

# 1: every table with a digest of its rows. 2: with the digest of the file, and tables of which no row was read.
_VERSIONS = (1, 2)
# The largest record that is read, in bytes.
_LARGEST = 64 << 20
_MOMENT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Record:
    """Record of a backup: its environment, its database's URL without secrets, the command it was taken for.

    `size` is in bytes, `content` is what the backup held when it was taken, `file` the digest of its bytes (empty: the
    content has digests of all rows). `after` is the content that the run left; None if nothing was to be changed, or
    the run ended before that. `checked_at` is when the backup was last verified (UTC, ISO 8601), `problem` the fault
    found then, or empty. `missed` is what others may have written after the backup, before the
    run had locked it.
    """

    environment: str
    database: str
    purpose: str
    size: int
    content: Recorded
    checked_at: str
    problem: str = ""
    after: Recorded | None = None
    file: str = ""
    missed: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """One digest of the backup, as `Backup` has it."""
        return self.file or self.content.digest


@dataclass(frozen=True, slots=True)
class Copy:
    """A backup in a folder, ordered by `taken_at` (UTC) and `number`; `record` is None if it has no readable record.

    `size` is in bytes. `damaged`: the database was damaged when it was copied.
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
        """The known fault of the backup, without reading it; empty if there is none."""
        if self.damaged:
            return "a copy of a damaged database"
        if self.record is None:
            return ""
        return self.record.problem or (
            "" if self.size == self.record.size else "has another size than when it was taken"
        )


def record_file(backup: Path) -> Path:
    """Return the path of a backup's record."""
    return backup.with_name(f"{backup.name}.json")


def write_record(backup: Path, record: Record) -> None:
    """Write a backup's record, replacing the one that is there. Raises BackupError."""
    document = {
        **{name: value for name, value in asdict(record).items() if name not in {"content", "after"}},
        "version": _VERSIONS[bool(record.file)],
        "database": mask(record.database),
        "content": to_json(record.content),
        "after": None if record.after is None else to_json(record.after),
    }
    try:
        write_atomically(record_file(backup), json.dumps(document))
    except OSError as error:
        problem = f"its record cannot be written: {error.strerror or error}"
        raise BackupError(str(backup.parent), problem) from error


def read_record(backup: Path) -> Record | None:
    """Read the record of a backup; None if there is none that this archmig can read."""
    try:
        # Why these flags: whatever lies in the folder under that name, a link is not followed, a pipe not waited for.
        descriptor = os.open(record_file(backup), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return _record(json.loads(file.read(_LARGEST)))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _record(document: dict[str, Any]) -> Record | None:
    if document["version"] not in _VERSIONS:
        return None
    return Record(
        environment=str(document["environment"]),
        database=str(document["database"]),
        purpose=str(document["purpose"]),
        size=int(document["size"]),
        content=from_json(document["content"]),
        checked_at=str(document["checked_at"]),
        problem=str(document["problem"]),
        after=None if document["after"] is None else from_json(document["after"]),
        file=str(document.get("file", "")),
        missed=tuple(map(str, document.get("missed", ()))),
    )


def copy_at(path: Path) -> Copy | None:
    """Return the backup at a path; None for a file that is not a backup by its name, or is not a regular file."""
    match = BACKUP_NAME.fullmatch(path.name)
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
    """Return every backup in a folder, oldest first; none if there is no folder. Raises BackupFolderError."""
    try:
        candidates = [copy_at(path) for path in folder.iterdir()] if folder.is_dir() else []
    except OSError as error:
        raise BackupFolderError(str(folder), f"cannot be read: {error.strerror or error}") from error
    return tuple(
        sorted((copy for copy in candidates if copy), key=lambda copy: (copy.taken_at, copy.number, copy.path.name))
    )


def copies_of(every: Iterable[Copy], environment: str, database: str) -> tuple[Copy, ...]:
    """Return the backups of one environment: by the database in their record, or by file name without a record.

    A record with this environment's name and another database counts only if that database no longer exists, as after
    a move of the project. If it exists, two projects share the folder.
    """
    return tuple(copy for copy in every if _belongs(copy, environment, mask(database)))


def _belongs(copy: Copy, environment: str, database: str) -> bool:
    if copy.record is None:
        return copy.name == file_safe(environment)
    if copy.record.database == database:
        # Why by name too: of the URL of a server the record has not all, so that two databases can look alike.
        return not _is_served(database) or copy.record.environment == environment
    return copy.record.environment == environment and _is_gone(copy.record.database)


def _is_served(database: str) -> bool:
    return "://" in database and not database.startswith("sqlite")


def _is_gone(database: str) -> bool:
    """Return whether a file does not exist.

    False if its folder cannot be read, because another user may have it, and for a database on a server.
    """
    try:
        return not _is_served(database) and not Path(database.removeprefix("sqlite:///")).exists()
    except OSError:
        return False


def remove(copy: Copy) -> None:
    """Delete a backup, then its record. Raises BackupFolderError."""
    # Why this order: interrupted between the two, it leaves a record without a backup, which is ignored.
    try:
        copy.path.unlink()
        record_file(copy.path).unlink(missing_ok=True)
        sync(copy.path.parent)
    except OSError as error:
        problem = f"{copy.path.name} cannot be removed: {error.strerror or error}"
        raise BackupFolderError(str(copy.path.parent), problem) from error
