"""Suggests [[resolve]] entries for columns: values of the chain first, then columns of the same name and type."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from architect_migrate.diagnosis.resolutions import copy_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.model.schema import Column, Table

# Names that agree: `titel` and `title` do, `name` and `title` do not.
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class FromChain:
    """What the chain says about the values of columns, by folded table and column.

    `literals` are SQL literals from a default or an UPDATE. `sources` are columns of the same table that an UPDATE
    copies or a revision renames. `once` are all columns that the tables have at any revision. `added` are the defaults,
    None for NULL, with which revisions added columns to tables that were there: rows that were there have these.
    """

    literals: Mapping[tuple[str, str], str] = field(default_factory=dict)
    sources: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    once: frozenset[tuple[str, str]] = frozenset()
    added: Mapping[tuple[str, str], str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The line of an entry that gives rows a value, and the reason for it."""

    line: str
    why: str


def for_missing(chain: FromChain, shape: Table, column: Column, actual: Table) -> Suggestion | None:
    """Suggest a value for the rows of a missing column; None for a primary key, or if nothing fits."""
    if column.name in shape.primary_key:
        return None
    there = {each.name: each.spelling or each.name for each in actual.columns}
    if source := next((there[name] for name in chain.sources.get((shape.name, column.name), ()) if name in there), ""):
        return Suggestion(copy_line(source), f"the chain fills it from {shape.name}.{source}")
    if (known := of_chain(chain, shape, column)) is not None:
        return known
    like = _alike(chain, shape, column, actual)
    return Suggestion(copy_line(like), f"{shape.name}.{like} may hold it") if like else None


def brought(chain: FromChain, shape: Table, column: Column, actual: Table) -> Suggestion | None:
    """Suggest the literal that a chain brings to a missing column from earlier ones, none of which is there.

    The rows never had the earlier columns, so the chain would have given them its literal, and moved that.
    """
    there = {each.name for each in actual.columns}
    waiting, seen = list(chain.sources.get((shape.name, column.name), ())), set[str]()
    while waiting:
        source = waiting.pop(0)
        if source in there:
            return None
        literal = chain.literals.get((shape.name, source), "")
        if value := _toml(literal):
            why = f"the chain brings it from {source}, which it fills with {literal}"
            return Suggestion(f"default = {value}", why)
        waiting += [each for each in chain.sources.get((shape.name, source), ()) if each not in seen]
        seen.add(source)
    return None


def of_chain(chain: FromChain, shape: Table, column: Column) -> Suggestion | None:
    """Suggest the literal that the chain gives a column; None without one, or if its values must be unique."""
    literal = column.default or chain.literals.get((shape.name, column.name), "")
    value = _toml(literal)
    if not value or column.name in shape.primary_key or (column.name,) in shape.uniques:
        return None
    return Suggestion(f"default = {value}", f"the chain gives rows {literal}")


def _toml(literal: str) -> str:
    """Return an SQL literal as TOML; empty for any other expression."""
    text = literal.strip().lower()
    while text.startswith("(") and text.endswith(")"):
        literal, text = literal.strip()[1:-1], text[1:-1].strip()
    if text in {"true", "false"}:
        return text
    literal = literal.strip()
    if len(literal) > 1 and literal[0] == literal[-1] == "'":
        plain = literal[1:-1].replace("''", "'")
        return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"' if plain.isprintable() else ""
    try:
        number = float(literal)
    except ValueError:
        return ""
    return literal.replace(" ", "") if abs(number) < float("inf") and literal.strip("+-. ")[:1].isdecimal() else ""


def _alike(chain: FromChain, shape: Table, column: Column, actual: Table) -> str:
    """Return the column that only the database has, of the same type and a similar name; empty if there is none."""
    known = {each.name for each in shape.columns} | {name for table, name in chain.once if table == shape.name}
    candidates = [each for each in actual.columns if each.name not in known and each.affinity == column.affinity]
    best = max(candidates, key=lambda each: _likeness(each.name, column.name), default=None)
    if best is None or _likeness(best.name, column.name) < _ALIKE:
        return ""
    return best.spelling or best.name


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()
