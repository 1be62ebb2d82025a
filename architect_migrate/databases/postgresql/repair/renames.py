"""Facts as they are once a type has another name: PostgreSQL writes it into every text that names the type."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.statements import significant

if TYPE_CHECKING:
    from architect_migrate.model.facts import Fact

    _Value = TypeVar("_Value")


def with_other_name(fact: Fact, old: str, new: str) -> Fact:
    """A fact with another name in all of its texts."""
    return _renamed(fact, old, new)


def _renamed(value: _Value, old: str, new: str) -> _Value:
    """Any part of a fact: a text, values in a tuple or a set, a value of the model; everything else stays."""
    changed: Any = value
    match value:
        case str():
            changed = _text(value, old, new)
        case tuple() | frozenset():
            changed = type(value)(_renamed(each, old, new) for each in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            changed = replace(
                value, **{each.name: _renamed(getattr(value, each.name), old, new) for each in fields(value)}
            )
        case _:
            pass
    its: _Value = changed
    return its


def _text(text: str, old: str, new: str) -> str:
    if old not in text:
        return text
    spelt = new if new.isidentifier() and new == new.lower() else quote(new)
    result, at = "", 0
    for token in significant(text):
        if token.kind in {"word", "quoted"} and token.name == old:
            result, at = f"{result}{text[at : token.start]}{spelt}", token.end
    return result + text[at:]
