"""Finds out which texts that differ mean the same, because one server writes both in the same way.

A server does not keep the text of an expression but its own form of it, and writes a text of that form. After a dump
and a restore this is another text for some expressions, and the same one from then on. So both are made again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

import psycopg

from architect_migrate.core.server_errors import NoScratchError
from architect_migrate.databases.postgresql.pinned import pinned
from architect_migrate.databases.postgresql.rebuilt import rebuilt
from architect_migrate.model.schema import Column, Index, Object, Schema, Table, Trigger, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from architect_migrate.databases.postgresql.pinned import Connection


# The kinds of objects whose texts hold expressions, and whose statements make all that their texts say.
_WRITTEN = frozenset(
    {
        *("domain", "exclusion constraint", "function", "materialized view"),
        *("policy", "procedure", "rule", "statistics"),
    }
)


class _Named(Protocol):
    """A part of a schema or of a table."""

    @property
    def name(self) -> str: ...


_Part = TypeVar("_Part", bound=_Named)
_Text = TypeVar("_Text", Trigger, View, Object)


def in_texts_of(expected: Schema, found: Schema, scratch: Callable[[], AbstractContextManager[str]]) -> Schema:
    """Return `found` with the texts of `expected` wherever a server of its version writes both texts alike.

    `scratch` makes an empty database on such a server, and yields how to connect to it. Without one `found` is returned
    as it is: nothing says whether its texts mean the same.
    """
    if not _has_unlike_texts(expected, found):
        return found
    try:
        with scratch() as place, psycopg.connect(place) as connection:
            return agreed(connection, found, expected)
    except NoScratchError:
        return found


def _has_unlike_texts(expected: Schema, found: Schema) -> bool:
    kinds = (
        (expected.tables, found.tables),
        (expected.indexes, found.indexes),
        (expected.triggers, found.triggers),
        (expected.views, found.views),
        (expected.objects, found.objects),
    )
    return any(_differ(_texts(parts), _texts(others)) for parts, others in kinds)


def _differ(texts: Mapping[object, object], others: Mapping[object, object]) -> bool:
    return any(texts[key] != others[key] for key in texts.keys() & others.keys())


def _texts(parts: Iterable[Table | Index | Trigger | View | Object]) -> dict[object, object]:
    """The texts in some parts of a schema, by what they belong to."""
    found: dict[object, object] = {}
    for part in parts:
        match part:
            case Table():
                found |= {(part.name, "column", one.name): (one.default, one.generated) for one in part.columns}
                found |= {(part.name, "check", name): text for name, text in _checks(part).items()}
            case Index():
                found[part.name] = (part.terms, part.where)
            case Object(kind=kind) if kind not in _WRITTEN:
                pass
            case _:
                found[_key(part)] = part.body
    return found


def agreed(connection: Connection, expected: Schema, actual: Schema) -> Schema:
    """Return `expected` with the texts of `actual` wherever this server writes both texts alike.

    The connection is to an empty database of the version that both schemas were read on, in a transaction; the database
    is empty afterwards. What cannot be made there keeps its text, so that it still differs.
    """
    if expected == actual:
        return actual
    with pinned(connection):
        again = (rebuilt(connection, expected, actual), rebuilt(connection, actual, expected))
    return Schema(
        _each(expected.tables, actual.tables, again[0].tables, again[1].tables, agree=_table),
        _each(expected.indexes, actual.indexes, again[0].indexes, again[1].indexes, agree=_index),
        _each(expected.triggers, actual.triggers, again[0].triggers, again[1].triggers, agree=_text),
        _each(expected.views, actual.views, again[0].views, again[1].views, agree=_text),
        _each(expected.objects, actual.objects, again[0].objects, again[1].objects, agree=_object),
    )


def _each(
    expected: Iterable[_Part], *others: Iterable[_Part], agree: Callable[[_Part, _Part, _Part, _Part], _Part]
) -> tuple[_Part, ...]:
    """Return the expected parts, each with the texts that its counterparts agree on, if it has all of them."""
    by_key = [{_key(part): part for part in parts} for parts in others]
    return tuple(_agreed(part, by_key, agree) for part in expected)


def _agreed(
    part: _Part, others: list[dict[object, _Part]], agree: Callable[[_Part, _Part, _Part, _Part], _Part]
) -> _Part:
    counterparts = [parts[_key(part)] for parts in others if _key(part) in parts]
    return agree(part, *counterparts) if len(counterparts) == len(others) else part


def _key(part: _Named) -> object:
    return (part.kind, part.name) if isinstance(part, Object) else part.name


def _text(expected: _Text, actual: _Text, first: _Text, second: _Text) -> _Text:
    return replace(expected, body=actual.body) if first.body == second.body else expected


def _object(expected: Object, actual: Object, first: Object, second: Object) -> Object:
    return _text(expected, actual, first, second) if expected.kind in _WRITTEN else expected


def _index(expected: Index, actual: Index, first: Index, second: Index) -> Index:
    alike = (first.terms, first.where) == (second.terms, second.where)
    return replace(expected, terms=actual.terms, where=actual.where) if alike else expected


def _column(expected: Column, actual: Column, first: Column, second: Column) -> Column:
    alike = (first.default, first.generated) == (second.default, second.generated)
    return replace(expected, default=actual.default, generated=actual.generated) if alike else expected


def _table(expected: Table, actual: Table, first: Table, second: Table) -> Table:
    columns = _each(expected.columns, actual.columns, first.columns, second.columns, agree=_column)
    checks = [_checks(table) for table in (expected, actual, first, second)]
    names = [name for name in checks[0] if all(name in each for each in checks)]
    texts = {checks[0][name]: checks[1][name] for name in names if checks[2][name] == checks[3][name]}
    return replace(_with_checks(expected, texts), columns=columns)


def _checks(table: Table) -> dict[str, str]:
    """The expression of each check constraint by its name."""
    return {one.name: one.of[0] for one in table.constraint_names if one.kind == "check"}


def _with_checks(table: Table, texts: Mapping[str, str]) -> Table:
    """Return a table with other texts for the expressions of some checks."""

    def of(kind: str, key: tuple[str, ...]) -> tuple[str, ...]:
        return (texts.get(key[0], key[0]),) if kind == "check" else key

    return replace(
        table,
        checks=frozenset(replace(one, expression=texts.get(one.expression, one.expression)) for one in table.checks),
        constraint_names=frozenset(replace(one, of=of(one.kind, one.of)) for one in table.constraint_names),
        conflicts=frozenset(replace(one, columns=of(one.kind, one.columns)) for one in table.conflicts),
    )
