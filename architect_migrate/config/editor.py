"""Editor of environments.toml: adds or removes one entry and leaves every other line and comment in place.

Why tomlkit only renders values: writing the whole file with it moves what follows an array of tables.
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
from architect_migrate.core.file_lock import folder_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from architect_migrate.model.environment import ProjectConfig

_BY_HAND = "nothing was written: change the file by hand"


@dataclass(frozen=True, slots=True)
class _Section:
    """The lines of a table, from its header to its last own line, without what belongs to the next table.

    `start` and `end` are indexes into the lines; `end` is exclusive.
    """

    name: tuple[str, ...]
    start: int
    end: int


def toml_value(value: object) -> str:
    """Return a value as TOML."""
    return tomlkit.item(value).as_string()


def toml_key(*names: str) -> str:
    """Return a dotted key as TOML."""
    return tomlkit.key(names).as_string()


def raw_entry(file: Path, name: str) -> Mapping[str, object]:
    """Return the values of [env.NAME] as they are written, with variables unexpanded. Raises ConfigError."""
    env = read_toml(file, {}).values.get("env")
    entry = env.get(name) if isinstance(env, dict) else None
    return entry if isinstance(entry, dict) else {}


def preview_change(file: Path, environ: Mapping[str, str], change: Callable[[str], str]) -> ProjectConfig:
    """Return the project as it would be after a change; the file is not written. Raises ConfigError, EntryError."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="archmig-") as folder:
        copy = Path(folder) / file.name
        copy.write_bytes(change(read_text(file)).encode())
        return read_project(file, environ, copy)


def apply_change(file: Path, environ: Mapping[str, str], change: Callable[[str], str]) -> ProjectConfig:
    """Change the file atomically and return the new project, as read from the replacement.

    A link's target is changed, not the link. Two processes change it one after the other.
    Raises ConfigError, EntryError and FolderBusyError.
    """
    try:
        return _rewritten(file, Path(os.path.realpath(file)), environ, change)
    except OSError as error:
        raise ConfigError(
            str(file), "", f"cannot be changed: {error.strerror or error}", "nothing was written: check its folder"
        ) from error


def _rewritten(file: Path, real: Path, environ: Mapping[str, str], change: Callable[[str], str]) -> ProjectConfig:
    with folder_lock(real.parent):
        text = change(read_text(file))
        with draft(real.parent) as copy:
            copy.write_bytes(text.encode())
            _keep_owner_and_mode(copy, real.stat())
            # Why this order: on disk and valid before it replaces the file, so that a crash leaves one of the two.
            sync(copy)
            project = read_project(file, environ, copy)
            copy.replace(real)
        sync(real.parent)
    return project


def _keep_owner_and_mode(copy: Path, before: os.stat_result) -> None:
    # Why errors are ignored: only root may give a file to another user.
    with suppress(OSError):
        os.chown(copy, before.st_uid, before.st_gid)
    copy.chmod(before.st_mode & 0o777)


def with_entry(text: str, name: str, values: Mapping[str, object], comment: str, file: str) -> str:
    """Return the text with [env.NAME] added after the last environment. Raises EntryError."""
    if name in _environments(text):
        raise EntryError(file, name, "is listed already", "nothing was written: choose another name")
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
    """Return the text without [env.NAME], with all comments outside of that table. Raises EntryError."""
    lines = _lines(text)
    section = next((section for section in _sections(lines) if section.name == ("env", name)), None)
    if section is None:
        raise EntryError(file, name, f"is not written as a table [env.{name}]", _BY_HAND)
    before, after = lines[: section.start], lines[section.end :]
    if before and not before[-1].strip() and (not after or not after[0].strip()):
        before.pop()
    return _checked("".join([*before, *after]), text, (name, None), file)


def _checked(new: str, old: str, changed: tuple[str, dict[str, object] | None], file: str) -> str:
    """Return the new text if it differs from the old one in this entry only. Raises EntryError."""
    # Why: the edit works on lines; parsing both texts proves that it changed nothing else, the order included.
    name, entry = changed
    try:
        before, after = tomllib.loads(old), tomllib.loads(new)
    except tomllib.TOMLDecodeError as error:
        raise EntryError(file, name, f"cannot be changed there: {error}", _BY_HAND) from error
    before.get("env", {}).pop(name, None)
    written = after.get("env", {}).pop(name, None)
    order = list(before.get("env", {})) == list(after.get("env", {}))
    if written != entry or not order or {"env": {}, **before} != {"env": {}, **after}:
        raise EntryError(file, name, "cannot be changed there without changing something else", _BY_HAND)
    return new


def _environments(text: str) -> dict[str, object]:
    environments = tomllib.loads(text).get("env", {})
    return environments if isinstance(environments, dict) else {}


def _lines(text: str) -> list[str]:
    """Split a text into lines with their ends.

    Why not `splitlines`: it also splits at characters that may be part of a TOML string.
    """
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def _sections(lines: list[str]) -> list[_Section]:
    """Return the tables that have a header.

    Why TOML decides: a line of a multi-line string may look like a header. A line is one if the text between it and
    the last header is TOML by itself.
    """
    starts, begun = [], 0
    for number, line in enumerate(lines):
        if line.lstrip().startswith("[") and _is_toml("".join(lines[begun:number])):
            starts.append(number)
            begun = number
    return [_Section(_name(lines[one]), one, _end(lines, one, end)) for one, end in pairwise([*starts, len(lines)])]


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _name(header: str) -> tuple[str, ...]:
    """Return the keys of a header line, which is by itself TOML of an empty table."""
    table, names = tomllib.loads(header), []
    while isinstance(table, dict) and table:
        ((key, table),) = table.items()
        names.append(key)
    return tuple(names)


def _end(lines: list[str], start: int, end: int) -> int:
    """Return the end of a table's own lines: its last value, or the comment that follows without a blank line."""
    last = end
    while last > start + 1 and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
        last -= 1
    while last < end and lines[last].strip():
        last += 1
    return last
