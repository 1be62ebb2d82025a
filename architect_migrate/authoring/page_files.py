"""Generated Markdown pages in a folder: writes each atomically, and never over a file that archmig did not write.

Every page begins with `MARKER`. While a file without it is in the way, nothing is written.
"""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.atomic_files import draft
from architect_migrate.core.errors import PagesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

MARKER = "<!-- archmig docs wrote this page and writes it anew: what is changed by hand is lost -->"
# The part of the marker that is the same in every version.
_BEGINNING = b"<!-- archmig docs "
_ENDING = ".md"
_READABLE = 0o644
_ADVICE = "move it away, or name another folder with --out"


@dataclass(frozen=True, slots=True)
class PageChanges:
    """Changes that bring a folder up to date, as relative paths: new, changed and obsolete pages.

    `same` are pages that are up to date.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    same: tuple[str, ...] = ()

    @property
    def needed(self) -> bool:
        """Whether the folder is not up to date."""
        return bool(self.new or self.changed or self.gone)


def compare(folder: Path, pages: Mapping[str, str], subfolders: Sequence[str]) -> PageChanges:
    """Return the changes that give a folder these pages (text by path), which begin with the marker.

    `subfolders` are those that may contain pages. Nothing is written. Raises PagesError if a file or folder that
    archmig did not write is in the way.
    """
    _refuse_odd_folders(folder, subfolders)
    paths: dict[str, list[str]] = {"new": [], "changed": [], "same": []}
    for path, text in sorted(pages.items()):
        paths[_state(folder, path, _bytes(text))].append(path)
    gone = [each for each in _generated(folder, subfolders) if each not in pages]
    return PageChanges(tuple(paths["new"]), tuple(paths["changed"]), tuple(sorted(gone)), tuple(paths["same"]))


def write_pages(folder: Path, pages: Mapping[str, str], writing: PageChanges) -> None:
    """Write new and changed pages, each atomically, and remove obsolete ones. Raises PagesError."""
    try:
        for path in (*writing.new, *writing.changed):
            _write(folder / path, _bytes(pages[path]))
        for path in writing.gone:
            (folder / path).unlink(missing_ok=True)
        for subfolder in {path.rpartition("/")[0] for path in writing.gone} - {""}:
            with suppress(OSError):  # the folder has other files
                (folder / subfolder).rmdir()
    except OSError as error:
        place = str(error.filename or folder)
        advice = "the other pages are unchanged: check space and permissions, then run it again"
        raise PagesError(place, error.strerror or str(error), advice) from error


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _refuse_odd_folders(folder: Path, subfolders: Iterable[str]) -> None:
    """Raise PagesError unless the folders are directories. Subfolders must not be links, which lead elsewhere."""
    if folder.exists() and not folder.is_dir():
        raise PagesError(str(folder), "it is not a folder", "name another one with --out")
    for name in subfolders:
        place = folder / name
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise PagesError(str(place), "it is a link or a file, not a folder", _ADVICE)


def _state(folder: Path, path: str, wanted: bytes) -> str:
    file = folder / path
    content = _read(file)
    if content is None:
        return "new"
    if not _is_generated(content):
        raise PagesError(str(file), "archmig docs did not write this file", _ADVICE)
    return "same" if content == wanted else "changed"


def _read(file: Path) -> bytes | None:
    """Return a file's content; None if there is none. A link, folder or device reads as empty, thus without marker."""
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            return b""
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise PagesError(str(file), error.strerror or str(error), "check its owner and its mode") from error


def _is_generated(content: bytes) -> bool:
    return content.startswith(_BEGINNING)


def _generated(folder: Path, subfolders: Iterable[str]) -> Iterator[str]:
    """Yield the pages with the marker in a folder and its subfolders, as relative paths."""
    for name in ("", *subfolders):
        place = folder / name
        for file in sorted(place.glob(f"*{_ENDING}")) if place.is_dir() else ():
            content = _read(file)
            if content is not None and _is_generated(content):
                yield f"{name}/{file.name}" if name else file.name


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with draft(file.parent) as copy:
        copy.write_bytes(content)
        copy.chmod(stat.S_IMODE(file.stat().st_mode) if file.exists() else _READABLE)
        copy.replace(file)
