"""Changes between two schemas: what a revision makes, changes and removes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from architect_migrate.model.facts import facts
from architect_migrate.model.schema import Index, Object, Schema, Table, Trigger, View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.model.facts import Fact
    from architect_migrate.model.schema import Key

Named = TypeVar("Named", Table, Index, Trigger, View, Object)


@dataclass(frozen=True, slots=True)
class Delta:
    """Changes of one revision: objects that are new or in a new shape, and `(kind, name)` of removed ones.

    Removed ones of `Schema.objects` have the kind `object`, and their own kind before the name.
    """

    changed: Schema = field(default_factory=Schema)
    removed: tuple[tuple[str, str], ...] = ()


def delta(before: Schema, after: Schema) -> Delta:
    """Return the changes that turn `before` into `after`.

    Why texts count: the stored text of an object must be the one that the newest revision wrote.
    """
    removed = [
        (kind, name)
        for kind, old, new in _kinds(before, after)
        for name in {name_of(one) for one in old} - {name_of(one) for one in new}
    ]
    changed = Schema(
        _changed(before.tables, after.tables),
        _changed(before.indexes, after.indexes),
        _changed(before.triggers, after.triggers),
        _changed(before.views, after.views),
        _changed(before.objects, after.objects),
    )
    return Delta(changed, tuple(sorted(removed)))


def apply(schema: Schema, change: Delta) -> Schema:
    """Return a schema after a delta."""
    gone = frozenset(change.removed)
    return Schema(
        _merged(schema.tables, change.changed.tables, "table", gone),
        _merged(schema.indexes, change.changed.indexes, "index", gone),
        _merged(schema.triggers, change.changed.triggers, "trigger", gone),
        _merged(schema.views, change.changed.views, "view", gone),
        _merged(schema.objects, change.changed.objects, "object", gone),
    )


def _kinds(before: Schema, after: Schema) -> Iterator[tuple[str, tuple, tuple]]:  # type: ignore[type-arg]  # of any kind
    yield "table", before.tables, after.tables
    yield "index", before.indexes, after.indexes
    yield "trigger", before.triggers, after.triggers
    yield "view", before.views, after.views
    yield "object", before.objects, after.objects


def name_of(one: Named) -> str:
    """Return what identifies an object among those of its kind."""
    return f"{one.kind} {one.name}" if isinstance(one, Object) else one.name


def _changed(before: tuple[Named, ...], after: tuple[Named, ...]) -> tuple[Named, ...]:
    old = {name_of(one): one for one in before}
    return tuple(one for one in after if (was := old.get(name_of(one))) is None or was != one or was.sql != one.sql)


def _merged(
    old: tuple[Named, ...], changed: tuple[Named, ...], kind: str, gone: frozenset[tuple[str, str]]
) -> tuple[Named, ...]:
    by_name = {name_of(one): one for one in old if (kind, name_of(one)) not in gone} | {
        name_of(one): one for one in changed
    }
    return tuple(sorted(by_name.values(), key=name_of))


def touched(schema: Schema, change: Delta) -> dict[Key, Fact]:
    """Return the facts of the objects that a delta changes or removes, as they were before it."""
    names = set(change.removed)
    names |= {(kind, name_of(one)) for kind, _, changed in _kinds(schema, change.changed) for one in changed}
    before = Schema(
        *(tuple(one for one in old if (kind, name_of(one)) in names) for kind, old, _ in _kinds(schema, change.changed))
    )
    return facts(before)
