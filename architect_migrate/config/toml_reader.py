"""One table of a TOML file, read strictly: whatever was not asked for is a ConfigError in one line."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from architect_migrate.core.errors import ConfigError, nearest, shortened
from architect_migrate.core.urls import mask

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from enum import Enum
    from pathlib import Path

    Choice = TypeVar("Choice", bound=Enum)

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LARGEST = 10_000_000
_DEEP = re.compile(r"""(?<![\w"'-])(?:(?:"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*'|[\w"'-]+)[ \t]*\.[ \t]*){50}""")
_KINDS = {
    dict: "a table",
    list: "an array",
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table's values with the file's name and the dotted place of the table in it, for messages."""

    file: str
    place: str
    values: Mapping[str, object]

    def error(self, key: str, problem: str, hint: str = "") -> ConfigError:
        """The error for one key of this table; with key "" for the table itself."""
        return ConfigError(self.file, dotted(self.place, key), problem, hint)


def read_toml(file: Path, instead: Path | None = None) -> Table:
    """The file's top level, or that of the file `instead`, as if it stood in its place.

    Raises ConfigError for whatever keeps the file from being read as TOML.
    """
    name = shown_path(file)
    return Table(name, "", _parsed(name, _text(name, _data(name, instead or file))))


def read_text(file: Path) -> str:
    """The file's text, its line ends as they are. Raises ConfigError."""
    name = shown_path(file)
    return _text(name, _data(name, file))


def _data(name: str, file: Path) -> bytes:
    try:
        if file.exists() and not file.is_file():
            raise ConfigError(name, "", "not a file", "name the environments.toml itself")
        if file.stat().st_size > _LARGEST:
            raise ConfigError(name, "", f"is larger than {_LARGEST // 1_000_000} MB", "is it the right file?")
        return file.read_bytes()
    except FileNotFoundError:
        raise ConfigError(name, "", "no such file", "write one, or name it with -c FILE") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(name, "", f"cannot be read: {reason}") from None


def _text(name: str, data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise ConfigError(name, "line 1", "begins with a byte order mark", "save it as UTF-8 without BOM")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise ConfigError(name, f"line {line}", bad, "save the file as UTF-8") from None


def _parsed(name: str, text: str) -> dict[str, object]:
    if deep := _DEEP.search(text):
        # Python's parser takes time by the square of a key's depth: minutes for a file of a hundred kilobytes.
        line = text.count("\n", 0, deep.start()) + 1
        raise ConfigError(name, f"line {line}", "nested too deeply", "no value here needs more than three levels")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(name, "", "nested too deeply", "no value here needs more than three levels") from None
    except ValueError as error:  # TOMLDecodeError, and int() refusing thousands of digits
        problem, separator, place = str(error).rpartition(" (at ")
        if not separator:
            problem, place = str(error).partition(":")[0], ""
        short = problem if len(problem) <= 100 else f"{problem[:100]}…"
        raise ConfigError(name, place.rstrip(")"), f"not TOML: {short}") from None


def one_line(text: str) -> bool:
    """Whether a text has no control character, line separator or lone surrogate, which nobody could print."""
    return not any(
        letter < " " or "\x7f" <= letter <= "\x9f" or letter in "\u2028\u2029" or "\ud800" <= letter <= "\udfff"
        for letter in text
    )


def shown_path(path: Path) -> str:
    """The path, on one line whatever is in its name."""
    return str(path) if one_line(str(path)) else repr(str(path))


def shown(word: str) -> str:
    """A word of the file, quoted, on one line, cut when long, and without secrets."""
    return shortened(mask(word))


def dotted(place: str, key: str) -> str:
    """The place of a key, quoted like in TOML where it must be."""
    word = key if not key or _BARE_KEY.fullmatch(key) else shown(key)
    return ".".join(part for part in (place, word) if part)


def known_keys(table: Table, known: Collection[str]) -> None:
    """Refuse the first key that is not among the known ones."""
    for key, value in table.values.items():
        if key not in known:
            kind = "table" if isinstance(value, dict) else "key"
            raise table.error(key, f"unknown {kind}", nearest(key, known))


def subtable(table: Table, key: str) -> Table:
    """The table under a key; an empty one where there is none."""
    value = table.values.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(table, key, f"a table: [{dotted(table.place, key)}]", value)
    return Table(table.file, dotted(table.place, key), value)


def entries(table: Table, key: str) -> tuple[Table, ...]:
    """The tables of an array of tables, their places numbered from 1."""
    value = table.values.get(key, [])
    if not isinstance(value, list):
        raise _wrong(table, key, f"an array of tables: [[{dotted(table.place, key)}]]", value)
    for number, entry in enumerate(value, 1):
        if not isinstance(entry, dict):
            raise _wrong(table, f"{key}", f"an array of tables: [[{key}]]", entry, f"entry {number} is ")
    return tuple(Table(table.file, f"{key}[{number}]", entry) for number, entry in enumerate(value, 1))


def optional_string(table: Table, key: str) -> str | None:
    """A string that says something, on one line; None where there is none."""
    value = table.values.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong(table, key, "a string", value)
    if not value.strip():
        raise table.error(key, "is empty", "give it a value, or leave it out")
    if not one_line(value):
        raise table.error(key, "holds a line break or another control character", "write it on one line")
    return value


def string(table: Table, key: str, default: str) -> str:
    """A string, or the default."""
    value = optional_string(table, key)
    return default if value is None else value


def strings(table: Table, key: str) -> tuple[str, ...] | None:
    """An array of strings; None where there is none."""
    value = table.values.get(key)
    if value is None:
        return None
    if not isinstance(value, list):
        raise _wrong(table, key, 'an array of strings: ["..."]', value)
    for word in value:
        if not isinstance(word, str):
            raise _wrong(table, key, "an array of strings", word, "it holds ")
        if not word.strip() or not one_line(word):
            raise table.error(key, f"holds the word {shown(word)}", "empty words and control characters mean nothing")
    return tuple(value)


def boolean(table: Table, key: str, default: bool) -> bool:
    """True or false, or the default."""
    value = table.values.get(key, default)
    if not isinstance(value, bool):
        raise _wrong(table, key, "true or false", value)
    return value


def true_or_absent(table: Table, key: str) -> bool:
    """Whether the key says true; false says nothing that leaving it out would not, and is refused."""
    if key in table.values and not boolean(table, key, default=True):
        raise table.error(key, "must be true, not false", "leave it out to mean false")
    return key in table.values


def number(table: Table, key: str, default: float, most: int) -> float:
    """A number between 0 and `most`, or the default."""
    value = table.values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(table, key, "a number", value)
    if not 0 <= value <= most:  # false for NaN too
        raise table.error(key, f"must be from 0 to {most}")
    return float(value)


def optional_count(table: Table, key: str) -> int | None:
    """A whole number from 1 up; None where there is none."""
    value = table.values.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(table, key, "an integer", value)
    if not 1 <= value <= 1_000_000:
        raise table.error(key, "must be from 1 to 1000000")
    return value


def choice(table: Table, key: str, default: Choice) -> Choice:
    """The member of the default's enum that the key names, or the default."""
    word = string(table, key, default.value)
    for member in type(default):
        if member.value == word:
            return member
    right = [str(member.value) for member in type(default)]
    raise table.error(key, f"must be {', '.join(right[:-1])} or {right[-1]}, not {shown(word)}", nearest(word, right))


def _wrong(table: Table, key: str, wanted: str, found: object, before: str = "it is ") -> ConfigError:
    kind = _KINDS.get(type(found), "a date or time")
    return table.error(key, f"must be {wanted}; {before}{kind}")
