"""Plans that a type becomes the chain's, with every column that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.repair import types
from architect_migrate.databases.postgresql.repair.context import in_list, names_in_full
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.databases.postgresql.repair.needs import joined, require
from architect_migrate.databases.postgresql.repair.renames import with_other_name
from architect_migrate.databases.postgresql.repair.stuck import stuck
from architect_migrate.model.environment import Repair
from architect_migrate.model.facts import ColumnFact, ObjectFact, facts
from architect_migrate.model.facts import key as key_of
from architect_migrate.planning import blockers as blocked
from architect_migrate.planning.plan import AlterObject, Work, headline
from architect_migrate.planning.row_questions import Violating

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.databases.postgresql.repair.context import RepairContext
    from architect_migrate.databases.postgresql.repair.world import World
    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.model.facts import Fact
    from architect_migrate.model.schema import Key, Object

_ASIDE = "archmig_aside"


def other_type(world: World, fact: ObjectFact, actual: Object, revision: str) -> Work:
    """The steps that give a type the chain's shape: labels added, or a new type that takes its place."""
    thing = fact.object
    added = types.added_labels(thing, actual)
    if added is not None and thing.kind == actual.kind:
        new = frozenset(types.labels(thing)) - frozenset(types.labels(actual))
        if not types.is_used_at_once(world.context, world.history, new):
            words = tuple(f"add label {label}" for label in types.labels(thing) if label in new)
            return Work((AlterObject("type", thing.name, words, added, revision=revision),))
    return _replaced(world, thing, actual, revision)


def under_another_name(context: RepairContext, thing: Object) -> str:
    """The same type but for its name, which the chain does not have, if its columns have this one in the chain."""
    chain = {(one.kind, one.name) for one in context.schemas[1].objects}
    own = (one for one in context.schemas[0].objects if (one.kind, one.body) == (thing.kind, thing.body))
    for one in own:
        places = [(table, column) for table, column, *_ in types.columns_of(context, one.name)]
        wanted = [context.wanted(*place) for place in places]
        is_its = all(column and names_in_full(column.declared) == {thing.name} for column in wanted)
        if places and is_its and (one.kind, one.name) not in chain:
            return one.name
    return ""


def renamed_type(world: World, old: str, thing: Object, revision: str) -> AlterObject:
    """The step that gives a type the chain's name, which settles every difference that is only that name."""
    actual, expected = (facts(schema) for schema in world.context.schemas)
    renamed = {key: with_other_name(fact, old, thing.name) for key, fact in actual.items()}
    settled = {key_of(fact) for key, fact in renamed.items() if _is_so(key, fact, expected)}
    settled |= {key for key, fact in renamed.items() if _is_so(key, fact, expected)}
    world.done |= {key for key in settled if key in world.foreseen}
    rename = f"ALTER {thing.kind.upper()} {quote(old)} RENAME TO {quote(thing.name)}"
    return AlterObject(thing.kind, old, (f"rename to {thing.name}",), (rename,), revision=revision)


def _is_so(key: Key, fact: Fact, expected: Mapping[Key, Fact]) -> bool:
    """Whether the chain has a fact as it is with the new name; a column that has the type's old name is another."""
    new = key_of(fact)
    return expected.get(new) == fact and (new == key or not isinstance(fact, ColumnFact))


def _replaced(world: World, thing: Object, actual: Object, revision: str) -> Work:
    """A new type in the place of one that goes: columns go over by the text of their values."""
    columns = types.columns_of(world.context, thing.name)
    blockers = [*_elsewhere(columns, thing), *_refused(world, thing, columns)]
    if columns and not types.labels(thing) and thing.kind != "domain":
        blockers.append(stuck(ObjectFact(thing), "columns have this type, and their values do not fit another one"))
    converted = [one for one in columns if not one[7]]
    starts = [Start("altered column", table, column) for table, column, *_ in converted]
    around = world.around([*starts, Start("type", thing.name)])
    blockers += [stuck(ObjectFact(thing), why) for why in around.why]
    if blockers:
        return Work((), tuple(dict.fromkeys(blockers)))
    before = [*require(world, [thing.sql, *around.needs], revision)]
    word = actual.kind.upper()
    statements = [*_defaults(columns, around.down), *around.down]
    statements += _in_its_place(thing, word, converted)
    statements += world.context.extras_of(Start("type", thing.name))
    statements += [text for start in starts for text in world.context.rebuilt_with(start)]
    statements += [*_defaults_again(columns, around.down), *around.up]
    sizes = [world.context.size(table) for table in dict.fromkeys(one[0] for one in converted)]
    step = AlterObject(
        thing.kind,
        thing.name,
        ("as the chain has it",),
        tuple(statements),
        around.shown,
        "ACCESS EXCLUSIVE" if converted else "",
        ", ".join(sizes),
        converted=tuple((table, column) for table, column, *_ in columns),
        revision=revision,
    )
    if world.context.repair is not Repair.FULL and converted:
        return joined([*before, Work((), (blocked.forbidden(converted[0][0], headline(step)),))])
    return joined([*before, Work((step,))])


def _in_its_place(thing: Object, word: str, converted: list[types.TypedColumn]) -> Iterator[str]:
    """What makes a new type, and takes the other one away after its columns have gone over.

    Why one without columns goes first: what comes with a range type keeps its name when that is renamed.
    """
    if not converted:
        yield from (f"DROP {word} {quote(thing.name)}", thing.sql)
        return
    yield from (f"ALTER {word} {quote(thing.name)} RENAME TO {quote(_ASIDE)}", thing.sql)
    yield from (_conversion(thing, *one[:4]) for one in converted)
    yield f"DROP {word} {quote(_ASIDE)}"


def _elsewhere(columns: list[types.TypedColumn], thing: Object) -> Iterator[Finding]:
    for table, column, _, _, _, is_elsewhere, is_generated, _ in columns:
        if is_elsewhere:
            yield stuck(ObjectFact(thing), f"{table}.{column} has it, which is not a column of a table of this schema")
        elif is_generated:
            yield stuck(ObjectFact(thing), f"the generated column {table}.{column} has it")


def _refused(world: World, thing: Object, columns: list[types.TypedColumn]) -> Iterator[Finding]:
    """Blockers for columns with values that the new type does not have."""
    for table, column, _, declared, *_ in columns:
        for condition in _conditions(thing, column, declared):
            lost = world.context.can_answer(Violating(table, condition))
            if isinstance(lost, str):
                yield stuck(ObjectFact(thing), f"{table}.{column} cannot be asked: {lost}")
            elif lost.count:
                yield blocked.lost_values(table, column, f"the chain's {thing.name}", lost)


def _conditions(thing: Object, column: str, declared: str) -> Iterator[str]:
    """What the values of a column have to be for the new type."""
    labels = in_list(types.labels(thing))
    if labels and declared.endswith("[]"):
        yield f"{quote(column)}::text[] <@ ARRAY[{labels}]::text[]"
    elif labels:
        yield f"{quote(column)}::text IN ({labels})"
    elif thing.kind == "domain" and not declared.endswith("[]"):
        yield from types.domain_conditions(thing, column)


def _defaults(columns: list[types.TypedColumn], down: tuple[str, ...]) -> Iterator[str]:
    for table, column, _, _, default, *_ in columns:
        text = f"ALTER TABLE {quote(table)} ALTER {quote(column)} DROP DEFAULT"
        if default is not None and not any(_is_default(each, table, column) for each in down):
            yield text


def _defaults_again(columns: list[types.TypedColumn], down: tuple[str, ...]) -> Iterator[str]:
    for table, column, _, _, default, *_ in columns:
        if default is not None and not any(_is_default(each, table, column) for each in down):
            yield f"ALTER TABLE {quote(table)} ALTER {quote(column)} SET DEFAULT {default}"


def _is_default(statement: str, table: str, column: str) -> bool:
    """Whether a statement takes down the default of a column, whose names it may write bare."""
    return statement.replace('"', "") == f"ALTER TABLE {table} ALTER {column} DROP DEFAULT".replace('"', "")


def _conversion(thing: Object, table: str, column: str, _kind: str, declared: str) -> str:
    suffix = "[]" if declared.endswith("[]") else ""
    new = f"{quote(thing.name)}{suffix}"
    return f"ALTER TABLE {quote(table)} ALTER {quote(column)} TYPE {new} USING {quote(column)}::text{suffix}::{new}"
