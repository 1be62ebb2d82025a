"""Plans the repair of one table: one step for all of its changes, with what is in the way taken down around them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.repair import constraints as keys
from architect_migrate.databases.postgresql.repair.columns import missing_column, other_column
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.databases.postgresql.repair.draft import Draft, Phase
from architect_migrate.databases.postgresql.repair.needs import joined, require
from architect_migrate.databases.postgresql.repair.other_types import under_another_name
from architect_migrate.databases.postgresql.repair.released import release
from architect_migrate.databases.postgresql.repair.room import taken
from architect_migrate.databases.postgresql.repair.stuck import protecting
from architect_migrate.databases.postgresql.repair.texts import (
    create_table,
    detail_of,
    owned_by,
    parent_of,
    secured,
    sort_of,
)
from architect_migrate.databases.postgresql.repair.world import its_table
from architect_migrate.databases.postgresql.statements import significant
from architect_migrate.model.diff import Change, Differs, Extra, Missing, change_key
from architect_migrate.model.environment import Repair
from architect_migrate.model.facts import (
    CheckFact,
    ColumnFact,
    ConflictFact,
    ForeignKeyFact,
    IndexFact,
    NameFact,
    ObjectFact,
    PrimaryKeyFact,
    TableFact,
    UniqueFact,
)
from architect_migrate.planning import blockers as blocked
from architect_migrate.planning import plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.postgresql.repair.world import Around, World
    from architect_migrate.model.schema import Table

# The kinds of facts of a table that one of its parents brings it.
_INHERITED = frozenset({"check", "column", "primary key", "unique"})


def table_work(world: World, table: str, changes: tuple[Change, ...], revision: str) -> plan.Work:
    """The steps that repair a table and first what it needs, or the blockers; the steps name `revision`."""
    before = [*_renamed_types(world, revision)]
    todo = tuple(change for change in changes if change_key(change) not in world.done)
    if not todo or table in world.working:
        return joined(before)
    world.working.add(table)
    world.done |= {change_key(change) for change in todo}
    made = any(isinstance(each, Missing) and isinstance(each.fact, TableFact) for each in todo)
    work = _created(world, table, revision) if made else _altered(world, table, todo, revision)
    world.working.discard(table)
    return joined([*before, work, *_waiting(world, revision)])


def _renamed_types(world: World, revision: str) -> Iterator[plan.Work]:
    """Yield the work on types that lack only their names: it settles what is different of tables for that reason."""
    for change in list(world.pending()):
        thing = change.fact.object if isinstance(change, Missing) and isinstance(change.fact, ObjectFact) else None
        if thing and thing.kind in {"domain", "type"} and under_another_name(world.context, thing):
            yield world.settle(change, revision)


def _created(world: World, table: str, revision: str) -> plan.Work:
    """The step that makes a table, after what it is made of; foreign keys wait for tables that are made later."""
    shape = world.context.expected[table]
    if other := taken(world.context, "table", table, frozenset(key[-1] for key in world.gone)):
        return plan.Work((), (blocked.stuck(table, "", f"{other} has its name"),))
    world.done |= {change_key(change) for change in world.of_table(table)}
    statements = [*create_table(_as_part(world, shape)), *_owned(world, shape)]
    key_texts = [one for one in sorted(shape.constraint_names, key=lambda each: each.name) if one.kind == "foreign key"]
    before = [*require(world, [*statements, *sort_of(shape).parents, *(one.sql for one in key_texts)], revision)]
    for one in key_texts:
        if one.of[1] in world.working and one.of[1] != table:
            world.waiting.append((one.of[1], table, f"ADD CONSTRAINT {quote(one.name)} {one.sql}"))
        else:
            statements.append(f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(one.name)} {one.sql}")
    statements += _attached(world, shape)
    return joined([*before, plan.Work((plan.CreateObject("table", table, "; ".join(statements), revision),))])


def _as_part(world: World, shape: Table) -> Table:
    """A partition as it is before it is attached: with what only the database's whole has, and no identity of its own.

    Any other table as it is.
    """
    if not sort_of(shape).bound:
        return shape
    parent = significant(sort_of(shape).parents[0])[-1].name
    whole = world.context.actual.get(parent)
    own = {column.name for column in (*shape.columns, *world.context.expected[parent].columns)}
    more = tuple(
        replace(column, not_null=column.not_null and ("column", parent, column.name) not in world.foreseen)
        for column in (whole.columns if whole else ())
        if column.name not in own
    )
    without = (replace(column, detail=replace(detail_of(column), identity="")) for column in (*shape.columns, *more))
    return replace(shape, columns=tuple(without))


def _owned(world: World, shape: Table) -> Iterator[str]:
    """What gives a table the sequences that are its own."""
    for thing in world.context.schemas[1].objects:
        if thing.kind == "sequence" and thing.table == shape.name and (column := owned_by(thing)):
            yield f"ALTER SEQUENCE {quote(thing.name)} OWNED BY {quote(shape.name)}.{quote(column)}"


def _attached(world: World, shape: Table) -> Iterator[str]:
    """What makes a table a partition, with the indexes that are parts of those of the whole."""
    sort = sort_of(shape)
    if not sort.bound:
        return
    there = {index.name for index in world.context.schemas[0].indexes}
    for change in list(world.pending()):
        if not isinstance(change, Missing) or not isinstance(change.fact, IndexFact):
            continue
        # Without one of its own a partition gets an index for each of the whole, under another name.
        if change.fact.index.table == shape.name and parent_of(change.fact.index) in there:
            world.done.add(change_key(change))
            yield change.fact.index.sql
    yield f"ALTER TABLE {sort.parents[0]} ATTACH PARTITION {quote(shape.name)} {sort.bound}"


def _waiting(world: World, revision: str) -> Iterator[plan.Work]:
    """Yield the foreign keys whose tables are both there now."""
    for one in list(world.waiting):
        parent, table, clause = one
        if parent not in world.working:
            world.waiting.remove(one)
            words = (f"add foreign key to {parent}",)
            statement = f"ALTER TABLE {quote(table)} {clause}"
            lock = "SHARE ROW EXCLUSIVE"
            yield plan.Work((plan.AlterObject("table", table, words, (statement,), lock=lock, revision=revision),))


def _altered(world: World, table: str, changes: tuple[Change, ...], revision: str) -> plan.Work:
    shape = world.context.actual.get(table)
    draft = Draft(table, is_partitioned=bool(shape and sort_of(shape).partitioning))
    for change in sorted(changes, key=_order):
        if not _comes_with_parent(world, change):
            _consider(world, change, draft)
    for change in changes:
        if isinstance(change, Missing | Differs) and isinstance(change.fact, ForeignKeyFact):
            draft.needs.append(quote(change.fact.foreign_key.parent))
    released = release(world, draft)
    around = world.around(draft.starts, table, (draft.remade, draft.dropped))
    world.gone |= {("constraint", table, name) for name in draft.gone}
    world.done |= {("index", name) for name in (*draft.replaced, *draft.taken_over)}
    before = [*require(world, [*draft.needs, *around.needs], revision)]
    blockers = blocked.agreed([*draft.blockers, *(blocked.stuck(table, "", why) for why in around.why)])
    if blockers or not (draft.statements or draft.columns or draft.remade):
        return joined([*before, plan.Work((), blockers)])
    step = _step(world, draft, around, (released, revision))
    if world.context.repair is not Repair.FULL and (draft.beyond or draft.is_rewritten):
        return joined([*before, plan.Work((), (blocked.forbidden(table, plan.headline(step)),))])
    return joined([*before, plan.Work((step,))])


def _step(world: World, draft: Draft, around: Around, given: tuple[tuple[str, ...], str]) -> plan.AlterObject:
    """The step; `given` are the statements that let go of foreign keys, and the revision."""
    released, revision = given
    name = quote(draft.table)
    gone = [f"ALTER TABLE {name} DROP COLUMN {quote(column)}" for column in draft.remade]
    for text in draft.remade.values():
        draft.alter(Phase.FILL, f"ADD COLUMN {text}")
    return plan.AlterObject(
        "table",
        draft.table,
        tuple(dict.fromkeys(draft.words)),
        (
            *(*released, *around.down, *gone, *draft.in_order(), *_extras(world, draft), *around.up),
            *world.released.pop(draft.table, ()),
        ),
        around.shown,
        draft.lock,
        world.context.size(draft.table) if draft.is_rewritten else "",
        tuple(draft.fill.items()),
        tuple(draft.converted),
        revision,
    )


def _extras(world: World, draft: Draft) -> Iterator[str]:
    """What gives columns and constraints that are made again what they have, and stores values as they are stored."""
    for start in draft.starts:
        if start.kind == "altered column":
            yield from world.context.rebuilt_with(start)
    for column in draft.remade:
        yield from world.context.extras_of(Start("column", draft.table, column))
    for index in draft.replaced:
        yield from world.context.extras_of(Start("relation", index))
    same = {name: name for name in draft.dropped if name in draft.added}
    for old, new in {**same, **draft.again}.items():
        yield from world.context.extras_of(Start("constraint", draft.table, old), new)


def _order(change: Change) -> int:
    """Sort new columns first, and the clauses of constraints last."""
    if isinstance(change, Missing) and isinstance(change.fact, ColumnFact):
        return 0
    return 2 if isinstance(change, Missing | Differs | Extra) and isinstance(change.fact, ConflictFact) else 1


def _comes_with_parent(world: World, change: Change) -> bool:
    """Whether a change of a table is made by that of a table that it inherits from."""
    key, shape = change_key(change), world.context.expected.get(its_table(change))
    if shape is None or key[0] not in _INHERITED:
        return False
    parents = {significant(parent)[-1].name for parent in sort_of(shape).parents}
    others = (world.foreseen.get((key[0], parent, *key[2:])) for parent in parents)
    return any(type(other) is type(change) for other in others)


def _consider(world: World, change: Change, draft: Draft) -> None:
    context = world.context
    match change:
        case Differs(fact=TableFact()):
            _other_sort(world, draft)
        case Missing(fact=ColumnFact() as fact):
            missing_column(context, fact.column, draft)
        case Differs(fact=ColumnFact() as fact, actual=ColumnFact() as actual):
            other_column(context, fact.column, actual.column, draft)
        case Missing(fact=PrimaryKeyFact() | UniqueFact() | CheckFact() | ForeignKeyFact() as fact):
            keys.missing_constraint(context, fact, draft)
        case Differs(fact=PrimaryKeyFact() as fact, actual=PrimaryKeyFact() as actual):
            keys.other_constraint(context, fact, actual, draft)
        case Differs(fact=ForeignKeyFact() as fact, actual=ForeignKeyFact() as actual):
            keys.other_constraint(context, fact, actual, draft)
        case Missing(fact=NameFact() as fact) | Differs(fact=NameFact() as fact):
            keys.other_name(context, fact, draft)
        case Missing(fact=ConflictFact() as fact) | Differs(fact=ConflictFact() as fact):
            keys.other_clause(context, fact, draft)
        case Extra(fact=ConflictFact() as fact):
            keys.other_clause(context, fact, draft)
        case Extra(fact=ColumnFact() as fact):
            draft.alter(Phase.SHAPE, f"ALTER {quote(fact.column.name)} DROP NOT NULL")
            draft.say(f"drop not null {fact.column.name}")
        case Extra(fact=PrimaryKeyFact() | UniqueFact() | CheckFact() | ForeignKeyFact() as fact):
            keys.extra_constraint(context, fact, draft)
        case _:
            why = change.harmful if isinstance(change, Extra) else "archmig has no statement for it"
            draft.blockers.append(blocked.stuck(draft.table, "", why))


def _other_sort(world: World, draft: Draft) -> None:
    """Plan row level security and replica identity; another sort of table is for a person."""
    shape, there = world.context.expected[draft.table], world.context.actual[draft.table]
    wanted, now = sort_of(shape), sort_of(there)
    if replace(wanted, row_security="", replica_identity="") != replace(now, row_security="", replica_identity=""):
        draft.blockers.append(blocked.stuck(draft.table, "", "the chain has another sort of table"))
        return
    if {*now.row_security.split(" and ")} - {*wanted.row_security.split(" and ")} - {""}:
        draft.blockers.append(protecting(draft.table))
        return
    for statement in secured(shape, now):
        draft.run(Phase.SHAPE, statement)
    if wanted.replica_identity != now.replica_identity and wanted.replica_identity.startswith("index "):
        name = wanted.replica_identity.removeprefix("index ")
        draft.alter(Phase.SEQUENCE, f"REPLICA IDENTITY USING INDEX {quote(name)}")
    draft.say("row level security" if wanted.row_security != now.row_security else "replica identity")
