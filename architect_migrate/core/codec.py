"""Conversion of frozen dataclasses to JSON text and back, for caches; it only creates classes that are listed."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def dump(value: object) -> str:
    """Return the JSON text of a dataclass made of dataclasses, tuples, frozensets, paths and plain values.

    Raises TypeError for any other object.
    """
    return json.dumps(value, default=_plain, separators=(",", ":"), ensure_ascii=False)


def load(text: str, classes: Iterable[type]) -> Any:
    """Return the value that `dump` wrote. Raises ValueError for other text and for classes that are not listed."""
    known = {_name(one): one for one in classes}

    def revive(item: dict[str, Any]) -> object:
        match item:
            case {"path": str(path)}:
                return Path(path)
            case {"set": list(members)}:
                return frozenset(_tuples(member) for member in members)
            case {"class": str(name), "values": list(values)} if name in known:
                return known[name](*[_tuples(value) for value in values])
        raise ValueError(f"not written by archmig: {list(item)[:3]}")

    return _tuples(json.loads(text, object_hook=revive))


def _name(its_class: type) -> str:
    """Return the name of a class with its module's: a step and an edit of a table are both an AddColumn."""
    return f"{its_class.__module__.rpartition('.')[2]}.{its_class.__name__}"


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return {"set": sorted(value, key=repr)}
    if isinstance(value, Path):
        return {"path": str(value)}
    if is_dataclass(value):
        return {"class": _name(type(value)), "values": [getattr(value, field.name) for field in fields(value)]}
    raise TypeError(type(value))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
