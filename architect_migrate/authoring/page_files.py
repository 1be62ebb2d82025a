"""A folder of Markdown pages that archmig keeps: written whole, never over a page that somebody else wrote.

Every page begins with `MARKER`; a file without it is somebody's own: while one is in the way, nothing is written.
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
# However the sentence may read in another version.
_BEGINNING = b"<!-- archmig docs "
_ENDING = ".md"
_READABLE = 0o644
_ADVICE = "move it away, or name another folder with --out"


@dataclass(frozen=True, slots=True)
class Writing:
    """What would bring a folder up to date, as paths from it: pages that are new, that changed, that nobody needs now.

    `same` are those that are right as they are.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    same: tuple[str, ...] = ()

    @property
    def needed(self) -> bool:
        """Whether anything in the folder is not as it should be."""
        return bool(self.new or self.changed or self.gone)


def compare(folder: Path, pages: Mapping[str, str], subfolders: Sequence[str]) -> Writing:
    """What is to be done to a folder so that it holds these pages (text by path), which begin with the marker.

    `subfolders` are those that may hold pages. Reads, and writes nothing. Raises PagesError where something that
    archmig did not write stands in the way.
    """
    _refuse_odd_folders(folder, subfolders)
    found: dict[str, list[str]] = {"new": [], "changed": [], "same": []}
    for path, text in sorted(pages.items()):
        found[_state(folder, path, _bytes(text))].append(path)
    gone = [each for each in _ours(folder, subfolders) if each not in pages]
    return Writing(tuple(found["new"]), tuple(found["changed"]), tuple(sorted(gone)), tuple(found["same"]))


def write_pages(folder: Path, pages: Mapping[str, str], writing: Writing) -> None:
    """Write what is new or changed, each page whole or not at all, and remove what is gone. Raises PagesError."""
    try:
        for path in (*writing.new, *writing.changed):
            _write(folder / path, _bytes(pages[path]))
        for path in writing.gone:
            (folder / path).unlink(missing_ok=True)
        for subfolder in {path.rpartition("/")[0] for path in writing.gone} - {""}:
            with suppress(OSError):  # somebody keeps something else in it
                (folder / subfolder).rmdir()
    except OSError as error:
        place = str(error.filename or folder)
        advice = "what is not written is as it was: make room or give yourself the right, and run it again"
        raise PagesError(place, error.strerror or str(error), advice) from error


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _refuse_odd_folders(folder: Path, subfolders: Iterable[str]) -> None:
    """The folder itself may be reached through a link; what is in it may not lead anywhere else."""
    if folder.exists() and not folder.is_dir():
        raise PagesError(str(folder), "it is no folder", "name another one with --out")
    for name in subfolders:
        place = folder / name
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise PagesError(str(place), "it is no folder of its own", _ADVICE)


def _state(folder: Path, path: str, wanted: bytes) -> str:
    file = folder / path
    there = _read(file)
    if there is None:
        return "new"
    if not _is_ours(there):
        raise PagesError(str(file), "archmig docs did not write this file", _ADVICE)
    return "same" if there == wanted else "changed"


def _read(file: Path) -> bytes | None:
    """What a file holds; None where there is none. A link, a folder or a device counts as somebody's own."""
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            return b""
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise PagesError(str(file), error.strerror or str(error), "see who owns it and what its mode is") from error


def _is_ours(content: bytes) -> bool:
    return content.startswith(_BEGINNING)


def _ours(folder: Path, subfolders: Iterable[str]) -> Iterator[str]:
    """The pages in a folder and its known subfolders that bear the marker."""
    for name in ("", *subfolders):
        place = folder / name
        for file in sorted(place.glob(f"*{_ENDING}")) if place.is_dir() else ():
            there = _read(file)
            if there is not None and _is_ours(there):
                yield f"{name}/{file.name}" if name else file.name


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with draft(file.parent) as copy:
        copy.write_bytes(content)
        copy.chmod(stat.S_IMODE(file.stat().st_mode) if file.exists() else _READABLE)
        copy.replace(file)
