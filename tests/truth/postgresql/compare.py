"""Differences between the oracle's schema and a PostgreSQL database's, each with a kind to count findings by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from truth.postgresql.facts import alike

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truth.postgresql.facts import Key

    Facts = Mapping[Key, str]

# Facts of a column, which is missing or there as a whole.
_OF_COLUMN = ("column type", "not null", "default", "identity", "generated", "collation")
# What acts on rows: to tell of it is not enough.
_ACTING = ("constraint", "trigger", "rule", "policy")


@dataclass(frozen=True, slots=True)
class Difference:
    """`names` are the things that it is about; `told` is one that must be told where telling is enough."""

    kind: str
    detail: str
    names: frozenset[str]
    told: str = ""


def differences(expected: Facts, actual: Facts) -> list[Difference]:
    """What the oracle has and the database has not, or has otherwise; then what only the database has."""
    return [*_lacking(expected, actual), *_extras(expected, actual)]


def _lacking(expected: Facts, actual: Facts) -> Iterator[Difference]:
    for key, value in expected.items():
        kind, names = key[0], frozenset(key[1:])
        found = actual.get(key)
        if found == value or (found is not None and alike(found, value)):
            continue
        if kind in _OF_COLUMN and ("column", *key[1:]) not in actual:
            continue
        if kind != "table" and ("table", key[1]) in expected and ("table", key[1]) not in actual:
            continue
        shown = " ".join(key[1:])
        if found is None and kind == "index" and (other := _renamed_index(key, value, expected, actual)):
            yield Difference("index under another name", f"{shown}, there as {other}", names | {other}, other)
        elif found is None:
            yield Difference(f"{kind} missing", shown, names)
        else:
            yield Difference(f"{kind} differs", f"{shown}: {found!r}, oracle {value!r}", names)


def _renamed_index(key: Key, value: str, expected: Facts, actual: Facts) -> str:
    same = (one[1] for one, text in actual.items() if one[0] == "index" and text == value and one not in expected)
    return next(same, "")


def _extras(expected: Facts, actual: Facts) -> Iterator[Difference]:
    for key, value in actual.items():
        kind, names = key[0], frozenset(key[1:])
        if key in expected or kind in _OF_COLUMN or own(key, actual):
            continue
        on_own_table = kind != "table" and ("table", key[1]) in actual and ("table", key[1]) not in expected
        if kind in {"index", "trigger", "rule", "policy"} and len(key) > 2:
            on_own_table = ("table", key[2]) in actual and ("table", key[2]) not in expected
        if on_own_table or (kind == "index" and value in {text for one, text in expected.items() if one[0] == "index"}):
            continue
        if kind == "constraint" and value in {text for one, text in expected.items() if one[:2] == key[:2]}:
            continue  # Equal ones act alike.
        acting = kind in _ACTING or (kind == "index" and value.startswith("CREATE UNIQUE"))
        yield Difference(
            f"extra {kind}", " ".join(key[1:]), names, "" if acting else key[-1] if kind == "column" else key[1]
        )


def own(key: Key, facts: Facts) -> bool:
    """Whether something is the application's own by its name (x_...), or stands on something that is."""
    if any(part.startswith("x_") for part in key[1:]):
        return True
    return key == ("extension", "intarray") or (key[0] == "sequence" and " of x_" in facts[key])
