"""Plans that a function becomes the chain's: replaced, or dropped and made again where it has another head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.databases.postgresql.repair.needs import joined, require
from architect_migrate.databases.postgresql.repair.stuck import stuck
from architect_migrate.databases.postgresql.statements import significant
from architect_migrate.planning.plan import AlterObject, Work

if TYPE_CHECKING:
    from architect_migrate.databases.postgresql.repair.world import World
    from architect_migrate.model.facts import ObjectFact
    from architect_migrate.model.schema import Object


def other_function(world: World, fact: ObjectFact, actual: Object, revision: str) -> Work:
    """The step that replaces a function; one with other names or results is dropped, and what uses it around it."""
    thing = fact.object
    before = [*require(world, [thing.sql], revision)]
    if _head(thing.body) == _head(actual.body):
        step = AlterObject(thing.kind, thing.name, ("as the chain has it",), (thing.sql,), revision=revision)
        return joined([*before, Work((step,))])
    start = Start("function", thing.name)
    around = world.around([start])
    if around.why:
        return Work((), tuple(stuck(fact, why) for why in around.why))
    before += require(world, around.needs, revision)
    drop = f"DROP {thing.kind.upper()} {quote(actual.spelling)}{actual.name.removeprefix(actual.spelling)}"
    every = (*around.down, drop, thing.sql, *world.context.extras_of(start), *around.up)
    step = AlterObject(thing.kind, thing.name, ("as the chain has it",), every, around.shown, revision=revision)
    return joined([*before, Work((step,))])


def _head(definition: str) -> str:
    """A definition up to its language: arguments with their names and defaults, and results.

    What PostgreSQL does not change by OR REPLACE is in it.
    """
    words = [token for token in significant(definition) if token.kind == "word"]
    end = next((token.start for token in words if token.name == "language"), len(definition))
    return " ".join(definition[:end].split())
