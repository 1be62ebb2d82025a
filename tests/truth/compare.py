"""Differences between the oracle's schema and a database's, each with a kind that findings are counted by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truth.reader import Key

    Facts = Mapping[Key, str]

_NAMED = ("unique", "check", "foreign key")
_WHOLE = ("table", "column", "index", "trigger", "view")


@dataclass(frozen=True, slots=True)
class Difference:
    """`name` is what has to be told of it where telling is enough; `cosmetic` ones and extras need no more."""

    kind: str
    detail: str
    name: str = ""
    cosmetic: bool = False
    extra: bool = False


def differences(expected: Facts, actual: Facts) -> list[Difference]:
    """What the oracle has and the database has not, or has otherwise; then what only the database has."""
    return [*_lacking(expected, actual), *_extras(expected, actual)]


def _lacking(expected: Facts, actual: Facts) -> Iterator[Difference]:
    for key, value in expected.items():
        kind = key[0]
        if kind != "table" and kind not in {"index", "trigger", "view"} and ("table", key[1]) not in actual:
            continue
        if kind not in _WHOLE and kind not in _NAMED and len(key) == 3 and ("column", *key[1:]) not in actual:
            continue
        found = actual.get(key)
        if found == value:
            continue
        shown = " ".join(key[1:])
        if kind in _NAMED:
            yield from _constraint(key, expected, actual)
        elif found is None and kind == "index" and (other := _same_index(value, expected, actual)):
            yield Difference("index under another name", f"{shown}, there as {other}", other, cosmetic=True)
        elif found is None and kind in _WHOLE:
            yield Difference(f"{kind} missing", shown)
        else:
            yield _otherwise(key, value, found or "")


def _otherwise(key: Key, value: str, found: str) -> Difference:
    """Types that store alike, and keys that are AUTOINCREMENT where they need not be, are cosmetic differences."""
    shown = f"{' '.join(key[1:])}: {found!r}, oracle {value!r}"
    if key[0] == "type" and affinity(value) == affinity(found):
        return Difference("declared type differs", shown, key[1], cosmetic=True)
    kept = key[0] == "primary key" and found == f"{value} autoincrement"
    return Difference("AUTOINCREMENT too many" if kept else f"{key[0]} differs", shown, key[1], cosmetic=kept)


def _constraint(key: Key, expected: Facts, actual: Facts) -> Iterator[Difference]:
    kind, table, what, label = key
    shown = f"{table}: {kind} {label or 'without a name'} {what}"
    others = [one[3] for one in actual if one[:3] == (kind, table, what)]
    if key in actual or (not label and any((kind, table, what, other) in expected for other in others)):
        # Equal ones are one: SQLite makes one index of several UNIQUE, each key acts on a row alike, and a batch
        # operation of Alembic writes one of them.
        return
    if not others:
        covered = kind == "unique" and any(
            one[0] == "index" and text.startswith(f"unique on {table} ( {what.replace(', ', ' , ')} )")
            for one, text in actual.items()
        )
        yield Difference("unique is an index" if covered else f"{kind} missing", shown)
    elif not label:
        yield Difference(f"{kind} has a name, none in the chain", f"{shown}: {others}")
    elif others == [""]:
        yield Difference(f"{kind} has no name", shown)
    else:
        yield Difference(f"{kind} named otherwise", f"{shown}: {others}")


def _same_index(value: str, expected: Facts, actual: Facts) -> str:
    found = [key[1] for key, text in actual.items() if key[0] == "index" and text == value and key not in expected]
    return found[0] if found else ""


def _extras(expected: Facts, actual: Facts) -> Iterator[Difference]:
    for key in actual:
        kind = key[0]
        if key in expected or kind not in {*_WHOLE, *_NAMED} or own(key, actual):
            continue
        if kind not in {"table", "trigger", "view", "index"} and ("table", key[1]) not in expected:
            continue
        if kind in _NAMED:
            if not any(one[:3] == key[:3] for one in expected) and ("table", key[1]) in expected:
                yield Difference(f"extra {kind}", " ".join(key[1:]), _told_as(key), extra=True)
        elif not (kind == "index" and actual[key] in {v for k, v in expected.items() if k[0] == "index"}):
            # A trigger acts: to tell of it is not enough. To tell of a table is to tell of its indexes.
            name = _extra_table(actual[key], expected, actual) if kind == "index" else ""
            yield Difference(f"extra {kind}", " ".join(key[1:]), name or key[-1], extra=kind != "trigger")


def _extra_table(index: str, expected: Facts, actual: Facts) -> str:
    """The table of an index that only the database has; empty where the oracle has it too."""
    extra = (key[1] for key in actual if key[0] == "table" and key not in expected)
    return next((table for table in extra if f" on {table} (" in f" {index}"), "")


def _told_as(key: Key) -> str:
    """How a constraint is named by those who speak of it: the table and its columns; of a check the table."""
    kind, table, what, _ = key
    columns = what.split(")")[0].lstrip("(") if kind == "foreign key" else what
    return table if kind == "check" else f"{table}({columns})"


def own(key: Key, facts: Facts) -> bool:
    """Whether something is the application's own by its name (x_...), or stands on a table that is."""
    if any(part.startswith("x_") for part in key[1:3]):
        return True
    return key[0] in {"index", "trigger"} and " on x_" in facts[key]


def affinity(declared: str) -> str:
    """What a declared type makes of values; INTEGER and NUMERIC store the same."""
    if any(word in declared for word in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if "INT" in declared:
        return "NUMERIC"
    if not declared or "BLOB" in declared:
        return "BLOB"
    return "REAL" if any(word in declared for word in ("REAL", "FLOA", "DOUB")) else "NUMERIC"
