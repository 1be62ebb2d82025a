"""Strict reader of TOML tables: anything unexpected raises a ConfigError of one line.

A `Reader` takes a table and a key, and returns the key's value, checked and converted; None if the key is absent.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from architect_migrate.core.errors import ConfigError, nearest, shortened
from architect_migrate.core.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from enum import Enum
    from pathlib import Path

    Choice = TypeVar("Choice", bound=Enum)
    Value = TypeVar("Value")
    Reader: TypeAlias = Callable[["Table", str], Any]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
# The largest file that is read, in bytes.
_LARGEST = 10_000_000
# A dotted key of more than fifty parts.
_DEEP = re.compile(r"""(?<![\w"'-])(?:(?:"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*'|[\w"'-]+)[ \t]*\.[ \t]*){50}""")
_KINDS = {
    dict: "a table",
    list: "an array",
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
}
_AGE = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_AGE_SECONDS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}
_BYTES = re.compile(r"([0-9]{1,6}) ?(kB|MB|GB|TB)")
_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})?")


@dataclass(frozen=True, slots=True)
class Table:
    """A table's values, its file and its dotted place in the file; `environ` holds the variables for its texts."""

    file: Path
    values: Mapping[str, object]
    environ: Mapping[str, str]
    place: str = ""

    def error(self, key: str, problem: str, hint: str = "") -> ConfigError:
        """Return the error for one key of this table; with key "" for the table itself."""
        return ConfigError(shown_path(self.file), dotted(self.place, key), problem, hint)


def read_toml(file: Path, environ: Mapping[str, str], instead: Path | None = None) -> Table:
    """Read the top level of a file, or of the file `instead` as if it stood in `file`.

    Raises ConfigError for a file that cannot be read or is not TOML.
    """
    name = shown_path(file)
    return Table(file, _parsed(name, _text(name, _data(name, instead or file))), environ)


def read_text(file: Path) -> str:
    """Read a file's text with its line ends unchanged. Raises ConfigError."""
    name = shown_path(file)
    return _text(name, _data(name, file))


def _data(name: str, file: Path) -> bytes:
    try:
        # Why: reading a pipe or a device would never end.
        if file.exists() and not file.is_file():
            raise ConfigError(name, "", "not a file", "name the environments.toml itself")
        if file.stat().st_size > _LARGEST:
            raise ConfigError(name, "", f"is larger than {_LARGEST // 1_000_000} MB", "check the path")
        return file.read_bytes()
    except FileNotFoundError:
        raise ConfigError(name, "", "no such file", "write one, or name it with -c FILE") from None
    except (OSError, ValueError) as error:
        # Python's words for a NUL in a path differ between its versions.
        reason = error.strerror if isinstance(error, OSError) else "embedded null byte"
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
        # Why: the time of Python's parser grows with the square of a key's depth: minutes for a hundred kilobytes.
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
        masked = mask(problem)
        short = masked if len(masked) <= 100 else f"{masked[:100]}…"
        raise ConfigError(name, place.rstrip(")"), f"not TOML: {short}") from None


def one_line(text: str) -> bool:
    """Return whether a text is printable on one line: no control character, line separator or lone surrogate."""
    return not any(
        letter < " " or "\x7f" <= letter <= "\x9f" or letter in "\u2028\u2029" or "\ud800" <= letter <= "\udfff"
        for letter in text
    )


def shown_path(path: Path) -> str:
    """Return a path as text on one line, escaped if its name needs that."""
    return str(path) if one_line(str(path)) else repr(str(path))


def shown(word: str) -> str:
    """Quote a word of the file for a message: on one line, shortened, without secrets."""
    return shortened(word)


def dotted(place: str, key: str) -> str:
    """Return the dotted place of a key, quoted as in TOML if necessary."""
    word = key if not key or _BARE_KEY.fullmatch(key) else shown(key)
    return ".".join(part for part in (place, word) if part)


def known_keys(table: Table, known: Collection[str]) -> None:
    """Raise ConfigError for the first key that is not known."""
    for key, value in table.values.items():
        if key not in known:
            kind = "table" if isinstance(value, dict) else "key"
            raise table.error(key, f"unknown {kind}", nearest(key, known))


def given(table: Table, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Return the values of a table by key, each read by its reader; absent keys are left out."""
    values = ((key, read(table, key)) for key, read in readers.items())
    return {key: value for key, value in values if value is not None}


def subtable(table: Table, key: str) -> Table:
    """Return the table under a key; an empty one if it is absent."""
    value, place = table.values.get(key, {}), dotted(table.place, key)
    if not isinstance(value, dict):
        raise _wrong(table, key, f"a table: [{place}]", value)
    return replace(table, values=value, place=place)


def entries(table: Table, key: str) -> tuple[Table, ...]:
    """Return the tables of an array of tables, their places numbered from 1."""
    value = table.values.get(key, [])
    if not isinstance(value, list):
        raise _wrong(table, key, f"an array of tables: [[{dotted(table.place, key)}]]", value)
    for number, entry in enumerate(value, 1):
        if not isinstance(entry, dict):
            raise _wrong(table, key, f"an array of tables: [[{key}]]", entry, f"entry {number} is ")
    return tuple(replace(table, values=entry, place=f"{key}[{number}]") for number, entry in enumerate(value, 1))


def text(table: Table, key: str) -> str | None:
    """Read a non-empty string of one line."""
    value = _typed(table, key, "a string", str)
    if value is None:
        return None
    if not value.strip():
        raise table.error(key, "is empty", "give it a value, or leave it out")
    if not one_line(value):
        raise table.error(key, "holds a line break or another control character", "write it on one line")
    return value


def texts(table: Table, key: str) -> tuple[str, ...] | None:
    """Read an array of non-empty strings of one line each."""
    words = _typed(table, key, 'an array of strings: ["..."]', list)
    for word in words or ():
        if not isinstance(word, str):
            raise _wrong(table, key, "an array of strings", word, "it holds ")
        if not word.strip() or not one_line(word):
            raise table.error(key, f"contains {shown(word)}", "write each string on one line and not empty")
    return None if words is None else tuple(words)


def boolean(table: Table, key: str) -> bool | None:
    """Read true or false."""
    return _typed(table, key, "true or false", bool)


def true_or_absent(table: Table, key: str) -> bool:
    """Return whether the key is true. Raises ConfigError for false, which is written by leaving the key out."""
    value = boolean(table, key)
    if value is False:
        raise table.error(key, "must be true, not false", "leave it out to mean false")
    return value is not None


def number(most: int) -> Reader:
    """Return the reader of a number from 0 to `most`."""

    def read(table: Table, key: str) -> float | None:
        value = _typed(table, key, "a number", int, float)
        if value is not None and not 0 <= value <= most:  # false for NaN too
            raise table.error(key, f"must be from 0 to {most}")
        return None if value is None else float(value)

    return read


def whole_number(least: int, most: int) -> Reader:
    """Return the reader of an integer from `least` to `most`."""

    def read(table: Table, key: str) -> int | None:
        value = _typed(table, key, "an integer", int)
        if value is not None and not least <= value <= most:
            raise table.error(key, f"must be from {least} to {most}")
        return value

    return read


def choice(kind: type[Choice]) -> Reader:
    """Return the reader of an enum's member, which a key names by its value."""

    def read(table: Table, key: str) -> Choice | None:
        word = text(table, key)
        if word is None:
            return None
        right = {str(member.value): member for member in kind}
        if word in right:
            return right[word]
        *most, last = right
        raise table.error(key, f"must be {', '.join(most)} or {last}, not {shown(word)}", nearest(word, right))

    return read


def age(table: Table, key: str) -> int | None:
    """Read an age (`12h`, `30d`, `8w`) and return it in seconds."""
    word = text(table, key)
    if word is None:
        return None
    match = _AGE.fullmatch(word)
    if match is None:
        raise table.error(key, f"{shown(word)} is not an age", 'write "12h", "30d" or "8w"')
    return int(match[1]) * _AGE_SECONDS[match[2]]


def number_of_bytes(table: Table, key: str) -> int | None:
    """Read a size (`500MB`, `2GB`) and return it in bytes."""
    word = text(table, key)
    if word is None:
        return None
    match = _BYTES.fullmatch(word)
    if match is None:
        raise table.error(key, f"{shown(word)} is not a size", 'write "500MB" or "2GB"')
    return int(match[1]) * _UNITS[match[2]]


def expanded(table: Table, key: str) -> str | None:
    """Read a text and expand its variables, whose values are not expanded again. Raises ConfigError."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        if match["name"] is None:
            raise table.error(key, "contains a single $", "write ${NAME} for a variable, $$ for a dollar sign")
        filled = table.environ.get(match["name"]) or match["default"]
        if filled is None:
            name = match["name"]
            raise table.error(key, f"the variable {name} is not set", f"set it, or write ${{{name}:-default}}")
        return filled

    word = text(table, key)
    filled = None if word is None else _VARIABLE.sub(value, word)
    if filled is not None and (not filled.strip() or not one_line(filled)):
        raise table.error(key, "is empty or holds a control character", "check its variables")
    return filled


def _typed(table: Table, key: str, wanted: str, *kinds: type[Value]) -> Value | None:
    """Return the value under a key if it has exactly one of these types; None if the key is absent."""
    value: Any = table.values.get(key)
    # Why not isinstance: a bool is an int in Python, but not in TOML.
    if value is not None and type(value) not in kinds:
        raise _wrong(table, key, wanted, value)
    typed: Value | None = value
    return typed


def _wrong(table: Table, key: str, wanted: str, value: object, before: str = "it is ") -> ConfigError:
    kind = _KINDS.get(type(value), "a date or time")
    return table.error(key, f"must be {wanted}; {before}{kind}")
