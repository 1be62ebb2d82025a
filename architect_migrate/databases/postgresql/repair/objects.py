"""Plans the repair of one object beside tables: an index, a view, a trigger, a function, a type and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.core.text import pluralize
from architect_migrate.databases.postgresql.details import PostgresIndex, PostgresMaterializedView
from architect_migrate.databases.postgresql.repair.dependants import Dependant, Start
from architect_migrate.databases.postgresql.repair.functions import other_function
from architect_migrate.databases.postgresql.repair.needs import joined, require
from architect_migrate.databases.postgresql.repair.other_types import other_type, renamed_type, under_another_name
from architect_migrate.databases.postgresql.repair.room import index_named, renamed, taken
from architect_migrate.databases.postgresql.repair.sequences import (
    beyond,
    is_of_identity,
    made_sequence,
    named_otherwise,
    other_sequence,
    renamed_sequence,
)
from architect_migrate.databases.postgresql.repair.stuck import parts, protecting, stuck
from architect_migrate.databases.postgresql.repair.texts import parent_of, sort_of, switched
from architect_migrate.databases.postgresql.repair.world import start_of
from architect_migrate.databases.postgresql.statements import significant
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.resolutions import entry
from architect_migrate.model.diff import (
    Change,
    Differs,
    Extra,
    Missing,
    change_key,
    is_equivalent,
)
from architect_migrate.model.facts import (
    Fact,
    IndexFact,
    ObjectFact,
    TriggerFact,
    ViewFact,
    facts,
    stored_text,
    table_of,
)
from architect_migrate.planning import blockers as blocked
from architect_migrate.planning.plan import AlterObject, CreateObject, Work
from architect_migrate.planning.row_questions import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.postgresql.repair.world import World
    from architect_migrate.model.schema import Index, Object, Table, Trigger


# What can be in the way of a later step, besides views and triggers.
_DEPENDING = frozenset({"index", "materialized view", "policy", "rule"})


def object_work(world: World, change: Change, revision: str) -> Work:
    """The steps that repair an object and first what it needs, or the blockers; the steps name `revision`."""
    key = change_key(change)
    if key in world.done:
        return Work()
    world.done.add(key)
    match change:
        case Missing(fact=IndexFact() as fact):
            return _index(world, fact.index, ((), ()), revision)
        case Missing():
            return _created(world, change.fact, revision)
        case Differs(fact=IndexFact() as fact, actual=IndexFact() as actual):
            return _other_index(world, fact.index, actual.index, revision)
        case Differs(fact=ViewFact() as fact):
            return _view_again(world, fact, "VIEW", fact.view.name, revision)
        case Differs(fact=TriggerFact() as fact, actual=TriggerFact() as actual):
            switch = switched(fact.trigger.body, actual.trigger.body, f"TRIGGER {quote(fact.trigger.spelling)}")
            return _again(world, fact, _on_table(fact.trigger.table, switch), revision)
        case Differs(fact=ObjectFact() as fact, actual=ObjectFact() as actual):
            return _other_object(world, fact, actual.object, revision)
        case Extra(fact=IndexFact() as fact):
            return _plain_index(world, fact.index, revision)
        case Extra(fact=ObjectFact(object=thing)) if thing.kind == "policy":
            return Work((), (protecting(thing.table, thing.spelling),))
        case Extra(fact=ObjectFact() as fact):
            world.gone |= {key, ("constraint", fact.object.table, fact.object.spelling)}
            return _gone(fact.object, revision)
        case _:
            return Work()


def drop_statement(fact: Fact) -> str:
    """The statement that drops an object; empty where there is none."""
    match fact:
        case IndexFact():
            return f"DROP INDEX {quote(fact.index.name)}"
        case ViewFact():
            return f"DROP VIEW {quote(fact.view.name)}"
        case TriggerFact(trigger=one):
            return f"DROP TRIGGER {quote(one.spelling)} ON {quote(one.table)}"
        case ObjectFact(object=thing):
            return _drop_object(thing)
        case _:
            return ""


def _drop_object(thing: Object) -> str:
    match thing.kind:
        case "policy" | "rule":
            return f"DROP {thing.kind.upper()} {quote(thing.spelling)} ON {quote(thing.table)}"
        case "exclusion constraint":
            return f"ALTER TABLE {quote(thing.table)} DROP CONSTRAINT {quote(thing.spelling)}"
        case "function" | "procedure" | "aggregate":
            return f"DROP {thing.kind.upper()} {quote(thing.spelling)}{thing.name.removeprefix(thing.spelling)}"
        case "unread":
            return ""
        case _:
            return f"DROP {thing.kind.upper()} {quote(thing.name)}"


def _created(world: World, fact: Fact, revision: str) -> Work:
    kind, name = parts(fact)
    if not stored_text(fact):
        return Work((), (stuck(fact, "archmig knows no statement that makes it"),))
    statements: tuple[str, ...] = (stored_text(fact),)
    if isinstance(fact, ObjectFact):
        statements = _made(world, fact.object)
    before = [*require(world, [*statements, quote(table_of(fact))], revision)]
    if why := _has_its_name(world, fact):
        return joined([*before, Work((), (stuck(fact, why),))])
    _record(world, fact)
    if isinstance(fact, TriggerFact) and (other := _trigger_under_annamed_otherwise(world, fact.trigger)):
        rename = (
            f"ALTER TRIGGER {quote(other.spelling)} ON {quote(other.table)} RENAME TO {quote(fact.trigger.spelling)}"
        )
        changes = (f"rename to {fact.trigger.spelling}",)
        return joined([*before, Work((AlterObject(kind, other.name, changes, (rename,), revision=revision),))])
    if isinstance(fact, ObjectFact) and (step := _renamed(world, fact.object, revision)):
        return joined([*before, Work((step,))])
    return joined([*before, Work((CreateObject(kind, name, "; ".join(statements), revision),))])


def _renamed(world: World, thing: Object, revision: str) -> AlterObject | None:
    """The step that renames a sequence or a type that is there but for its name; None if there is none."""
    match thing.kind:
        case "sequence" if old := named_otherwise(world.context, thing):
            return renamed_sequence(old, thing, revision)
        case "type" | "domain" if old := under_another_name(world.context, thing):
            return renamed_type(world, old, thing, revision)
        case _:
            return None


def _has_its_name(world: World, fact: Fact) -> str:
    """Why something cannot be made: something else has its name. Empty if nothing has."""
    kind, name = parts(fact)
    if kind not in {"view", "materialized view", "sequence", "type", "domain"}:
        return ""
    if kind == "sequence" and is_of_identity(world.context, name):
        return ""
    other = taken(world.context, kind, name, frozenset(key[-1] for key in world.gone))
    return f"{other} has its name" if other else ""


def _trigger_under_annamed_otherwise(world: World, trigger: Trigger) -> Trigger | None:
    """The same trigger but for its name, which the chain does not have: both together would act on each row twice."""
    actual, expected = (facts(schema) for schema in world.context.schemas)
    own = (fact.trigger for key, fact in actual.items() if key not in expected and isinstance(fact, TriggerFact))
    same = (one for one in own if one.table == trigger.table and _nameless(one) == _nameless(trigger))
    return next(same, None)


def _nameless(trigger: Trigger) -> list[str]:
    """The words of a trigger's text without its name."""
    tokens = significant(trigger.body)
    its = next(at for at, token in enumerate(tokens) if token.name == "trigger") + 1
    return [token.text for at, token in enumerate(tokens) if at != its]


def _made(world: World, thing: Object) -> tuple[str, ...]:
    """The statements that make an object of its chain's text, with what belongs to it."""
    if thing.kind == "exclusion constraint" and (index := index_named(world.context, thing.spelling)):
        return (renamed(index), thing.sql)
    if thing.kind == "sequence":
        return made_sequence(world.context, thing)
    if isinstance(thing.detail, PostgresMaterializedView) and not thing.detail.populated:
        return (f"{thing.sql} WITH NO DATA",)
    if thing.kind == "extension" and thing.body.startswith("SCHEMA "):
        return (f"{thing.sql} {thing.body}",)
    return (thing.sql,)


def _record(world: World, fact: Fact) -> None:
    """Note what was made, where it can be in the way of a later step."""
    kind, name = parts(fact)
    depends = isinstance(fact, ViewFact | TriggerFact) or kind in _DEPENDING
    if depends:
        world.record(Dependant((kind, name), f"{kind} {name}", drop_statement(fact), stored_text(fact)))


def _again(world: World, fact: Fact, switch: str, revision: str) -> Work:
    """An object that nothing depends on, as the chain has it: switched, or dropped and made again with what it has."""
    kind, name = parts(fact)
    before = [*require(world, [stored_text(fact)], revision)]
    extras = world.context.extras_of(start_of(fact))
    statements = (switch,) if switch else (drop_statement(fact), stored_text(fact), *extras)
    step = AlterObject(kind, name, ("as the chain has it",), statements, revision=revision)
    return joined([*before, Work((step,))])


def _on_table(table: str, switch: str) -> str:
    return f"ALTER TABLE {quote(table)} {switch}" if switch else ""


def _view_again(world: World, fact: Fact, kind: str, name: str, revision: str) -> Work:
    """A view dropped and made again, with what depends on it and with its grants and comments."""
    statements = _made(world, fact.object) if isinstance(fact, ObjectFact) else (stored_text(fact),)
    before = [*require(world, statements, revision)]
    around = world.around([Start("relation", name)])
    extras = world.context.extras_of(Start("relation", name))
    before += require(world, around.needs, revision)
    every = (*around.down, f"DROP {kind} {quote(name)}", *statements, *extras, *around.up)
    step = AlterObject(kind.lower(), name, ("as the chain has it",), every, around.shown, revision=revision)
    blockers = tuple(stuck(fact, why) for why in around.why)
    return joined([*before, Work(() if blockers else (step,), blockers)])


def _index(world: World, index: Index, around: tuple[tuple[str, ...], tuple[str, ...]], revision: str) -> Work:
    """An index made, after its rows were asked, or renamed where it is there under another name.

    `around` is what makes room for it, and what gives it back what one of its name has.
    """
    drop, extras = around
    before = [*require(world, [quote(index.table)], revision), *_free(world, index.name, revision)]
    whole = world.foreseen.get(("index", parent_of(index)))
    before += [world.settle(whole, revision)] if whole else []
    if blocker := _doubled(world, index):
        return joined([*before, Work((), (blocker,))])
    if not drop and (other := _under_annamed_otherwise(world, index)):
        rename = f"ALTER INDEX {quote(other)} RENAME TO {quote(index.name)}"
        step = AlterObject("index", other, (f"rename to {index.name}",), (rename,), revision=revision)
        return joined([*before, Work((step,))])
    part = (
        (f"ALTER INDEX {quote(parent)} ATTACH PARTITION {quote(index.name)}",) if (parent := parent_of(index)) else ()
    )
    statements = (*drop, index.sql, *part, *_identifying(world, index), *extras)
    if index.table not in world.context.expected:
        # An index of a materialized view goes with it.
        _record(world, IndexFact(index))
    if not drop:
        return joined([*before, Work((CreateObject("index", index.name, "; ".join(statements), revision),))])
    step = AlterObject("index", index.name, ("as the chain has it",), statements, lock="SHARE", revision=revision)
    return joined([*before, Work((step,))])


def _free(world: World, name: str, revision: str) -> Iterator[Work]:
    """Yield the work on a table one of whose constraints has the name of an index: that goes, or gets another name."""
    for table in world.context.actual.values():
        if any(one.name == name for one in table.constraint_names) and (changes := world.of_table(table.name)):
            yield world.settle(changes[0], revision)


def _identifying(world: World, index: Index) -> tuple[str, ...]:
    """What makes an index the replica identity of a table, if the chain has it so."""
    shape = world.context.expected.get(index.table)
    if shape is None or sort_of(shape).replica_identity != f"index {index.name}":
        return ()
    return (f"ALTER TABLE {quote(index.table)} REPLICA IDENTITY USING INDEX {quote(index.name)}",)


def _under_annamed_otherwise(world: World, index: Index) -> str:
    actual, expected = (facts(schema) for schema in world.context.schemas)
    own = (fact for key, fact in actual.items() if key not in expected and isinstance(fact, IndexFact))
    return next((one.index.name for one in own if is_equivalent(IndexFact(index), one, actual)), "")


def _other_index(world: World, index: Index, actual: Index, revision: str) -> Work:
    users = world.context.in_the_way([Start("relation", actual.name)])
    if users:
        why = f"{', '.join(each.shown for each in users)} needs it"
        return Work((), (stuck(IndexFact(index), why),))
    if actual.table != index.table:
        return _index(world, index, ((renamed(actual),), ()), revision)
    extras = world.context.extras_of(Start("relation", actual.name))
    return _index(world, index, ((f"DROP INDEX {quote(actual.name)}",), extras), revision)


def _plain_index(world: World, index: Index, revision: str) -> Work:
    """An index of the database's own that no longer refuses rows."""
    users = world.context.in_the_way([Start("relation", index.name)])
    if users:
        why = f"{', '.join(each.shown for each in users)} needs it"
        return Work((), (stuck(IndexFact(index), why),))
    word = next(token for token in significant(index.sql) if token.kind == "word" and token.name == "unique")
    plain = (index.sql[: word.start] + index.sql[word.end :].lstrip()).replace(" NULLS NOT DISTINCT", "")
    every = (f"DROP INDEX {quote(index.name)}", plain, *world.context.extras_of(Start("relation", index.name)))
    return Work((AlterObject("index", index.name, ("not unique",), every, lock="SHARE", revision=revision),))


def _doubled(world: World, index: Index) -> Finding | None:
    """The blocker for an index that rows forbid to be unique."""
    columns = tuple(term.expression for term in index.terms)
    shape = world.context.expected.get(index.table)
    if not index.unique or shape is None:
        return None
    nulls = isinstance(index.detail, PostgresIndex) and index.detail.nulls_not_distinct
    if nulls or not {*columns} <= {column.name for column in shape.columns}:
        found = Answer(world.context.repeated(index.table, _terms(shape, columns), index.where, nulls=nulls))
    else:
        found = world.context.doubled(index.table, columns, index.where)
    if not found.count:
        return None
    return Finding(
        Level.BLOCKING,
        "blocked-duplicates",
        f"index {index.name}",
        f"must be unique, but {pluralize(found.count, 'value occurs', 'values occur')} more than once"
        f"{blocked.examples(found)}",
        "make the values unique, or leave the index out: add this to environments.toml",
        entry=entry(index.table, "", f'index = "{index.name}"', "keep = true"),
    )


def _terms(shape: Table, terms: Iterable[str]) -> Iterator[str]:
    """The terms of an index as expressions; a column's name stands there as it is stored."""
    names = {column.name for column in shape.columns}
    yield from (quote(term) if term in names else term for term in terms)


def _other_object(world: World, fact: ObjectFact, actual: Object, revision: str) -> Work:
    thing = fact.object
    match thing.kind:
        case "materialized view" if thing.body == actual.body:
            refresh = f"REFRESH MATERIALIZED VIEW {quote(thing.name)}"
            return Work((AlterObject(thing.kind, thing.name, ("fill it",), (refresh,), revision=revision),))
        case "materialized view":
            return _view_again(world, fact, "MATERIALIZED VIEW", thing.name, revision)
        case "function" | "procedure":
            return other_function(world, fact, actual, revision)
        case "type" | "domain":
            return other_type(world, fact, actual, revision)
        case "sequence":
            if why := beyond(world.context, thing.name, thing.body):
                return Work((), (stuck(fact, why),))
            return Work((other_sequence(world.context, thing, revision),))
        case "rule":
            switch = switched(thing.body, actual.body, f"RULE {quote(thing.spelling)}")
            return _again(world, fact, _on_table(thing.table, switch), revision)
        case "event trigger":
            switch = switched(thing.body, actual.body, "")
            return _again(world, fact, f"ALTER EVENT TRIGGER {quote(thing.name)} {switch}" if switch else "", revision)
        case "policy" | "exclusion constraint" | "statistics":
            return _again(world, fact, "", revision)
        case _:
            return Work((), (stuck(fact, "archmig knows no statement that changes it"),))


def _gone(thing: Object, revision: str) -> Work:
    """What acts on rows, and the chain does not have, dropped; it holds no rows."""
    words = ("drop it: the chain does not have it",)
    return Work((AlterObject(thing.kind, thing.name, words, (_drop_object(thing),), revision=revision),))
