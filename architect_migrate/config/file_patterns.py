"""Files that a path with `*` matches: those of an [env.NAME] with a pattern, and those of `--db PATTERN`."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import BACKUP_NAME, fits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEEP = "**"
# What SQLite and archmig keep beside a database, and the records of backups.
_BESIDE = ("-wal", "-shm", "-journal", ".archmig-lock", ".json")


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """What archmig keeps itself, as real paths."""

    ledger: Path | None = None
    backups: Path | None = None


def own_files(ledger: Path, backups: Path) -> OwnFiles:
    """Return what archmig keeps itself."""
    return OwnFiles(Path(os.path.realpath(ledger)), Path(os.path.realpath(backups)))


class File(NamedTuple):
    """A file as the pattern matches it, and its real path."""

    written: Path
    real: Path


@dataclass(frozen=True, slots=True)
class Matches:
    """The files that a pattern matches, sorted, and the folder in which they are; all absolute.

    `unread` are folders that could not be listed, each with the reason.
    """

    folder: Path
    files: tuple[File, ...]
    unread: tuple[str, ...] = ()


def is_pattern(path: Path | str) -> bool:
    """Return whether a path stands for any number of files. Why only `*`: names have brackets and question marks."""
    return "*" in str(path)


def matching(pattern: Path, own: OwnFiles) -> Matches:
    """Find the files of an absolute pattern: `*` is any part of one name, `**` any number of folders.

    As in a shell, neither matches a name that begins with a dot, and `**` follows no link to a folder. Files of which
    one is a link to the other are one database, and only one of them is returned.
    """
    parts = pattern.parts
    first = next(at for at, part in enumerate(parts) if is_pattern(part))
    folder, listing = Path(*parts[:first]), _Listing(own)
    *above, last = (*parts[first:], "*") if parts[-1] == _DEEP else parts[first:]
    folders = [folder]
    for part in above:
        folders = [below for each in folders for below in listing.folders(each, part)]
    found = {each for one in folders for each in listing.files(one, last)}
    return Matches(folder, _distinct(found, own), tuple(dict.fromkeys(listing.unread)))


def names_of(pattern: Path, found: Matches) -> Iterator[str]:
    """Yield a name for each file: its path below the pattern's folder, without the suffix that the pattern gives.

    Why the path, not only the file's name: a name must not change when a file of the same name appears elsewhere.
    """
    ending = pattern.suffix
    for file in found.files:
        name = file.written.relative_to(found.folder).as_posix()
        yield _escaped(name if is_pattern(ending) else name.removesuffix(ending))


def _escaped(name: str) -> str:
    """Return a name that can be shown on one line and typed; different names stay different."""
    return "".join(
        letter if letter.isprintable() and letter != "\\" else letter.encode("unicode_escape").decode()
        for letter in name
    )


def _distinct(files: Iterable[Path], own: OwnFiles) -> tuple[File, ...]:
    """Leave out the ledger, and links to files that are there too."""
    every = sorted(File(file, Path(os.path.realpath(file))) for file in files)
    chosen: dict[Path, File] = {}
    for each in sorted(every, key=lambda each: each.written.name != each.real.name):
        chosen.setdefault(each.real, each)
    return tuple(each for each in every if chosen[each.real] is each and each.real != own.ledger)


@dataclass(frozen=True, slots=True)
class _Listing:
    """What is in folders, each listed once."""

    own: OwnFiles
    seen: dict[Path, tuple[os.DirEntry[str], ...]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def folders(self, folder: Path, part: str) -> list[Path]:
        """Return the folders that one part of a pattern means in a folder."""
        if part == _DEEP:
            return self._all_below(folder)
        if not is_pattern(part):
            return [folder / part]
        below = (entry.name for entry in self._fitting(folder, part) if _is_folder(entry))
        return [folder / name for name in below if not self._is_of_backups(folder, name)]

    def files(self, folder: Path, part: str) -> list[Path]:
        """Return the databases that the last part of a pattern means in a folder."""
        return [folder / entry.name for entry in self._fitting(folder, part) if _may_be_database(entry)]

    def _all_below(self, folder: Path) -> list[Path]:
        """Return a folder and all below it. Why no links: they may lead back, and to the same file twice."""
        found = [folder]
        for each in found:  # grows on the way
            found += [
                each / entry.name
                for entry in self._entries(each)
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
                if not self._is_of_backups(each, entry.name)
            ]
        return found

    def _is_of_backups(self, folder: Path, name: str) -> bool:
        its = self.own.backups
        return its is not None and its.name == name and os.path.realpath(folder / name) == str(its)

    def _fitting(self, folder: Path, part: str) -> Iterator[os.DirEntry[str]]:
        for entry in self._entries(folder):
            if fits(part, entry.name) and (part.startswith(".") or not entry.name.startswith(".")):
                yield entry

    def _entries(self, folder: Path) -> tuple[os.DirEntry[str], ...]:
        if folder not in self.seen:
            try:
                with os.scandir(folder) as entries:
                    self.seen[folder] = tuple(entries)
            except (FileNotFoundError, NotADirectoryError):
                self.seen[folder] = ()
            except OSError as error:
                self.seen[folder] = ()
                self.unread.append(f"{folder} cannot be listed: {error.strerror or error}")
        return self.seen[folder]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _may_be_database(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a file, or a link that leads to none or cannot be followed, which is to be reported.

    What SQLite and archmig keep beside a database is none, and neither are a folder, a pipe or a backup.
    """
    if entry.name.endswith(_BESIDE) or BACKUP_NAME.fullmatch(entry.name):
        return False
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return entry.is_symlink()
