"""Changes environments.toml as a person would: one entry more or less, every other line and comment where it was.

tomlkit writes the values; it does not write the file, for it moves what follows an array of tables.
"""

from __future__ import annotations

import os
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit

from architect_migrate.config.loader import read_project
from architect_migrate.config.toml_reader import read_text, read_toml
from architect_migrate.core.atomic_files import draft, sync
from architect_migrate.core.errors import ConfigError, EntryError
from architect_migrate.core.file_lock import alone_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from architect_migrate.model.environment import ProjectConfig

_BY_HAND = "nothing was written: change the file by hand"


@dataclass(frozen=True, slots=True)
class _Section:
    """The lines of a table: from its header to the end of what it says, without what leads to the next one."""

    name: tuple[str, ...]
    start: int
    end: int


def raw_entry(file: Path, name: str) -> Mapping[str, object]:
    """What stands under [env.NAME], as it stands there."""
    env = read_toml(file, {}).values.get("env")
    entry = env.get(name) if isinstance(env, dict) else None
    return entry if isinstance(entry, dict) else {}


def tried(file: Path, environ: Mapping[str, str], change: Callable[[str], str]) -> ProjectConfig:
    """What the file would say after a change. Raises ConfigError and EntryError; nothing stays written."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="archmig-") as folder:
        copy = Path(folder) / file.name
        copy.write_bytes(change(read_text(file)).encode())
        return read_project(file, environ, copy)


def rewritten(file: Path, environ: Mapping[str, str], change: Callable[[str], str]) -> ProjectConfig:
    """Change the file as a whole, or not at all; what it says then, read from what replaces it.

    Through a link the file that it leads to is changed. Two at once change it one after the other.
    Raises ConfigError, EntryError and FolderBusyError.
    """
    try:
        return _rewritten(file, Path(os.path.realpath(file)), environ, change)
    except OSError as error:
        raise ConfigError(
            str(file), "", f"cannot be changed: {error.strerror or error}", "nothing was written: see to its folder"
        ) from error


def _rewritten(file: Path, real: Path, environ: Mapping[str, str], change: Callable[[str], str]) -> ProjectConfig:
    with alone_in(real.parent):
        text = change(read_text(file))
        with draft(real.parent) as copy:
            copy.write_bytes(text.encode())
            _as_before(copy, real.stat())
            sync(copy)
            project = read_project(file, environ, copy)
            copy.replace(real)
        sync(real.parent)
    return project


def _as_before(copy: Path, before: os.stat_result) -> None:
    """Whose the file is, and who may read it."""
    with suppress(OSError):
        os.chown(copy, before.st_uid, before.st_gid)
    copy.chmod(before.st_mode & 0o777)


def with_entry(text: str, name: str, values: Mapping[str, object], comment: str, file: str) -> str:
    """The text with [env.NAME] after the last of the environments. Raises EntryError."""
    if name in _environments(text):
        raise EntryError(file, name, "is in it already", "nothing was written: choose another name")
    lines, ending = _lines(text), "\r\n" if "\r\n" in text else "\n"
    places = [section.end for section in _sections(lines) if section.name[:1] == ("env",) and len(section.name) == 2]
    place = max(places, default=len(lines))
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += ending
    header = f"[{tomlkit.key(['env', name]).as_string()}]  # {comment}"
    block = [header, *(f"{key} = {tomlkit.item(value).as_string()}" for key, value in values.items())]
    after = [ending] if place < len(lines) and lines[place].strip() else []
    added = [ending, *(f"{word}{ending}" for word in block), *after]
    return _checked("".join([*lines[:place], *added, *lines[place:]]), text, (name, dict(values)), file)


def without_entry(text: str, name: str, file: str) -> str:
    """The text without [env.NAME], and with every comment that is not within it. Raises EntryError."""
    lines = _lines(text)
    found = next((section for section in _sections(lines) if section.name == ("env", name)), None)
    if found is None:
        raise EntryError(file, name, f"is not a table of its own, [env.{name}]", _BY_HAND)
    before, after = lines[: found.start], lines[found.end :]
    if before and not before[-1].strip() and (not after or not after[0].strip()):
        before.pop()
    return _checked("".join([*before, *after]), text, (name, None), file)


def _checked(new: str, old: str, changed: tuple[str, dict[str, object] | None], file: str) -> str:
    """The new text, which says of an entry what it is to say, and of all else what the old one says, in its order."""
    name, entry = changed
    try:
        theirs, mine = tomllib.loads(old), tomllib.loads(new)
    except tomllib.TOMLDecodeError as error:
        raise EntryError(file, name, f"cannot be changed there: {error}", _BY_HAND) from error
    theirs.get("env", {}).pop(name, None)
    said = mine.get("env", {}).pop(name, None)
    order = list(theirs.get("env", {})) == list(mine.get("env", {}))
    if said != entry or not order or {"env": {}, **theirs} != {"env": {}, **mine}:
        raise EntryError(file, name, "cannot be changed there without changing something else", _BY_HAND)
    return new


def _environments(text: str) -> dict[str, object]:
    found = tomllib.loads(text).get("env", {})
    return found if isinstance(found, dict) else {}


def _lines(text: str) -> list[str]:
    """The lines with their ends; only a line feed ends one."""
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def _sections(lines: list[str]) -> list[_Section]:
    """The tables that have a header. A line is one if what stands between it and the last one is TOML by itself."""
    starts, begun = [], 0
    for number, line in enumerate(lines):
        if line.lstrip().startswith("[") and _is_toml("".join(lines[begun:number])):
            starts.append(number)
            begun = number
    return [_Section(_name(lines[one]), one, _said(lines, one, end)) for one, end in pairwise([*starts, len(lines)])]


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _name(header: str) -> tuple[str, ...]:
    """The keys of a header, which by itself is a table without anything in it."""
    found, names = tomllib.loads(header), []
    while isinstance(found, dict) and found:
        ((key, found),) = found.items()
        names.append(key)
    return tuple(names)


def _said(lines: list[str], start: int, end: int) -> int:
    """Where a table's own lines end: at its last value, or the comment that follows it without a blank line."""
    last = end
    while last > start + 1 and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
        last -= 1
    while last < end and lines[last].strip():
        last += 1
    return last
