"""One table of a TOML file, read strictly: whatever was not asked for is a ConfigError in one line.

A `Reader` takes a table and a key, and returns the key's value, checked and converted; None where the key is absent.
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
_AGE = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_AGE_SECONDS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})?")


@dataclass(frozen=True, slots=True)
class Table:
    """A table's values, its file and its dotted place in it; `environ` fills in the variables of its texts."""

    file: Path
    values: Mapping[str, object]
    environ: Mapping[str, str]
    place: str = ""

    def error(self, key: str, problem: str, hint: str = "") -> ConfigError:
        """The error for one key of this table; with key "" for the table itself."""
        return ConfigError(shown_path(self.file), dotted(self.place, key), problem, hint)


def read_toml(file: Path, environ: Mapping[str, str], instead: Path | None = None) -> Table:
    """The file's top level, or that of the file `instead`, as if it stood in its place.

    Raises ConfigError for whatever keeps the file from being read as TOML.
    """
    name = shown_path(file)
    return Table(file, _parsed(name, _text(name, _data(name, instead or file))), environ)


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


def given(table: Table, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The values that a table gives, by key, each read by its reader in the order of the readers."""
    found = ((key, read(table, key)) for key, read in readers.items())
    return {key: value for key, value in found if value is not None}


def subtable(table: Table, key: str) -> Table:
    """The table under a key; an empty one where there is none."""
    value, place = table.values.get(key, {}), dotted(table.place, key)
    if not isinstance(value, dict):
        raise _wrong(table, key, f"a table: [{place}]", value)
    return replace(table, values=value, place=place)


def entries(table: Table, key: str) -> tuple[Table, ...]:
    """The tables of an array of tables, their places numbered from 1."""
    value = table.values.get(key, [])
    if not isinstance(value, list):
        raise _wrong(table, key, f"an array of tables: [[{dotted(table.place, key)}]]", value)
    for number, entry in enumerate(value, 1):
        if not isinstance(entry, dict):
            raise _wrong(table, key, f"an array of tables: [[{key}]]", entry, f"entry {number} is ")
    return tuple(replace(table, values=entry, place=f"{key}[{number}]") for number, entry in enumerate(value, 1))


def text(table: Table, key: str) -> str | None:
    """A string that says something, on one line."""
    value = _typed(table, key, "a string", str)
    if value is None:
        return None
    if not value.strip():
        raise table.error(key, "is empty", "give it a value, or leave it out")
    if not one_line(value):
        raise table.error(key, "holds a line break or another control character", "write it on one line")
    return value


def texts(table: Table, key: str) -> tuple[str, ...] | None:
    """An array of strings."""
    words = _typed(table, key, 'an array of strings: ["..."]', list)
    for word in words or ():
        if not isinstance(word, str):
            raise _wrong(table, key, "an array of strings", word, "it holds ")
        if not word.strip() or not one_line(word):
            raise table.error(key, f"holds the word {shown(word)}", "empty words and control characters mean nothing")
    return None if words is None else tuple(words)


def boolean(table: Table, key: str) -> bool | None:
    """True or false."""
    return _typed(table, key, "true or false", bool)


def true_or_absent(table: Table, key: str) -> bool:
    """Whether the key says true; false says nothing that leaving it out would not, and is refused."""
    value = boolean(table, key)
    if value is False:
        raise table.error(key, "must be true, not false", "leave it out to mean false")
    return value is not None


def number(most: int) -> Reader:
    """The reader of a number between 0 and `most`."""

    def read(table: Table, key: str) -> float | None:
        value = _typed(table, key, "a number", int, float)
        if value is not None and not 0 <= value <= most:  # false for NaN too
            raise table.error(key, f"must be from 0 to {most}")
        return None if value is None else float(value)

    return read


def count(table: Table, key: str) -> int | None:
    """A whole number from 1 up."""
    value = _typed(table, key, "an integer", int)
    if value is not None and not 1 <= value <= 1_000_000:
        raise table.error(key, "must be from 1 to 1000000")
    return value


def choice(kind: type[Choice]) -> Reader:
    """The reader of the member of an enum that a key names by its value."""

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
    """An age in seconds."""
    word = text(table, key)
    if word is None:
        return None
    match = _AGE.fullmatch(word)
    if match is None:
        raise table.error(key, f"{shown(word)} is not an age", 'write "12h", "30d" or "8w"')
    return int(match[1]) * _AGE_SECONDS[match[2]]


def expanded(table: Table, key: str) -> str | None:
    """A text with its variables filled in; what they hold is not expanded again."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        if match["name"] is None:
            raise table.error(key, "a lone $", "${NAME} is a variable, $$ a dollar")
        found = table.environ.get(match["name"]) or match["default"]
        if found is None:
            name = match["name"]
            raise table.error(key, f"the variable {name} is not set", f"set it, or write ${{{name}:-default}}")
        return found

    word = text(table, key)
    filled = None if word is None else _VARIABLE.sub(value, word)
    if filled is not None and (not filled.strip() or not one_line(filled)):
        raise table.error(key, "is empty or holds a control character", "look at its variables")
    return filled


def _typed(table: Table, key: str, wanted: str, *kinds: type[Value]) -> Value | None:
    """The value under a key, of exactly one of these kinds: a bool is no integer; None where there is none."""
    value: Any = table.values.get(key)
    if value is not None and type(value) not in kinds:
        raise _wrong(table, key, wanted, value)
    found: Value | None = value
    return found


def _wrong(table: Table, key: str, wanted: str, found: object, before: str = "it is ") -> ConfigError:
    kind = _KINDS.get(type(found), "a date or time")
    return table.error(key, f"must be {wanted}; {before}{kind}")
