"""Lets go of foreign keys between two columns that get another type one after the other, until both have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.repair.constraints import constraints_of, identified
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.model.diff import Differs
from architect_migrate.model.facts import ForeignKeyFact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.postgresql.repair.draft import Draft
    from architect_migrate.databases.postgresql.repair.world import World
    from architect_migrate.model.schema import ForeignKey


def release(world: World, draft: Draft) -> tuple[str, ...]:
    """Return the statements that drop such keys; they are added again by the step of the other table."""
    statements = []
    for table, key, other in _keys(world, draft):
        for one in constraints_of(world.context.actual[table], *identified(ForeignKeyFact(table, key))):
            statements.append(f"ALTER TABLE {quote(table)} DROP CONSTRAINT {quote(one.name)}")
            again = f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(one.name)} {one.sql}"
            extras = world.context.extras_of(Start("constraint", table, one.name))
            world.released.setdefault(other, []).extend((again, *extras))
    return tuple(statements)


def _keys(world: World, draft: Draft) -> Iterator[tuple[str, ForeignKey, str]]:
    """Yield the table of each such key, the key, and the table whose column is still to get another type."""
    converted = {column for table, column in draft.converted if table == draft.table}
    for table in world.context.actual.values():
        for key in sorted(table.foreign_keys, key=repr):
            for own, parents in zip(key.columns, key.parent_columns, strict=False):
                for here, there in (
                    ((table.name, own), (key.parent, parents)),
                    ((key.parent, parents), (table.name, own)),
                ):
                    is_ours = here[0] == draft.table and here[1] in converted and there[0] != draft.table
                    if is_ours and _is_unlike(world, here, there):
                        yield table.name, key, there[0]


def _is_unlike(world: World, here: tuple[str, str], there: tuple[str, str]) -> bool:
    """Whether a column with its new type cannot be compared with another one, until that has its new type too."""
    new, old = world.context.wanted(*here), world.context.column(*there)
    change = world.foreseen.get(("column", *there))
    if new is None or old is None or not isinstance(change, Differs) or ("column", *there) in world.done:
        return False
    return bool(world.context.refused(f"SELECT NULL::{new.declared} = NULL::{old.declared}"))
