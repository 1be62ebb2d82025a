"""Plans what gives columns their numbers: identities, sequences, and where these go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.databases.postgresql.repair.draft import Draft, Phase
from architect_migrate.databases.postgresql.repair.texts import (
    altered_sequence,
    detail_of,
    identity_clause,
    identity_parts,
    owned_by,
)
from architect_migrate.databases.postgresql.statements import significant
from architect_migrate.planning.plan import AlterObject

if TYPE_CHECKING:
    from architect_migrate.databases.postgresql.repair.context import RepairContext
    from architect_migrate.model.schema import Column, Object

# Where a sequence can go on. A column of texts has no highest number, or gets it when it is given the chain's type.
_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
# The name of a sequence that makes room for another one, until its number is carried over.
_ASIDE = "archmig_aside"


def identity_work(context: RepairContext, expected: Column, actual: Column, draft: Draft) -> None:
    """Plan an identity that is added, taken away or another one."""
    wanted, there = detail_of(expected).identity, detail_of(actual).identity
    name = quote(expected.name)
    if not there:
        _identity_added(context, expected, actual, draft)
        return
    if not wanted:
        draft.alter(Phase.FREE_COLUMN, f"ALTER {name} DROP IDENTITY")
        draft.say(f"drop identity {expected.name}")
        if expected.default is not None:
            draft.alter(Phase.SHAPE, f"ALTER {name} SET DEFAULT {expected.default}")
            draft.needs.append(expected.default)
            carried_on(context, expected, draft)
        return
    manner, options = identity_parts(wanted)
    if manner != identity_parts(there)[0]:
        draft.alter(Phase.SHAPE, f"ALTER {name} SET GENERATED {manner}")
    if options != identity_parts(there)[1]:
        old, new = identity_sequence(draft.table, actual), identity_sequence(draft.table, expected)
        if old != new:
            draft.run(Phase.SHAPE, f"ALTER SEQUENCE {quote(old)} RENAME TO {quote(new)}")
        draft.run(Phase.SHAPE, altered_sequence(new, f"AS {expected.declared} {_without_name(options)}"))
    draft.say(f"identity of {expected.name}")


def _without_name(options: str) -> str:
    """The options of an identity's sequence without its name."""
    if not options.startswith("SEQUENCE NAME "):
        return options
    return options[significant(options)[2].end :].strip()


def identity_sequence(table: str, column: Column) -> str:
    """The name of an identity's sequence."""
    _, options = identity_parts(detail_of(column).identity)
    if options.startswith("SEQUENCE NAME "):
        return significant(options)[2].name
    return f"{table}_{column.name}_seq"


def _identity_added(context: RepairContext, expected: Column, actual: Column, draft: Draft) -> None:
    """Plan an identity for a column; one that had a sequence of its own goes on where that is."""
    name, table = quote(expected.name), draft.table
    old = owned_sequence(context, table, expected.name)
    new = identity_sequence(table, expected)
    if actual.default is not None:
        draft.alter(Phase.FREE_COLUMN, f"ALTER {name} DROP DEFAULT")
    if old:
        draft.run(Phase.FREE_COLUMN, f"ALTER SEQUENCE {quote(old)} RENAME TO {quote(_ASIDE)}")
    if not actual.not_null:
        draft.alter(Phase.SHAPE, f"ALTER {name} SET NOT NULL")
    draft.alter(Phase.SHAPE, f"ALTER {name} ADD GENERATED {identity_clause(detail_of(expected).identity)}")
    draft.run(Phase.SEQUENCE, going_on(new, table, expected.name))
    if old:
        last = f"SELECT setval({_regclass(new)}, last_value, is_called) FROM {quote(_ASIDE)}"
        draft.run(Phase.SEQUENCE, f"{last} WHERE is_called AND last_value > (SELECT last_value FROM {quote(new)})")
        draft.run(Phase.SEQUENCE, f"DROP SEQUENCE {quote(_ASIDE)}")
        # The sequence of an identity has the owner of its table.
        for text in context.extras_of(Start("relation", old), new, without="owner"):
            draft.run(Phase.SEQUENCE, text)
    draft.say(f"identity of {expected.name}")


def owned_sequence(context: RepairContext, table: str, column: str) -> str:
    """The sequence of the database that belongs to a column, and that the chain does not have; empty for none."""
    chain = {one.name for one in context.schemas[1].objects if one.kind == "sequence"}
    own = (one for one in context.schemas[0].objects if one.kind == "sequence" and one.table == table)
    return next((one.name for one in own if owned_by(one) == column and one.name not in chain), "")


def carried_on(context: RepairContext, column: Column, draft: Draft) -> None:
    """Plan that a sequence that is new to a column goes on after the highest number in it."""
    there = {one.name for one in context.schemas[0].objects if one.kind == "sequence"}
    for one in context.schemas[1].objects:
        is_its = one.kind == "sequence" and (one.table, owned_by(one)) == (draft.table, column.name)
        if is_its and one.name not in there and context.column(draft.table, column.name) is not None:
            draft.run(Phase.SEQUENCE, going_on(one.name, draft.table, column.name))


def given_sequences(context: RepairContext, column: Column, draft: Draft) -> None:
    """Plan that a new column has the sequences that belong to it, which are made before it."""
    for one in context.schemas[1].objects:
        if one.kind == "sequence" and (one.table, owned_by(one)) == (draft.table, column.name):
            owner = f"{quote(draft.table)}.{quote(column.name)}"
            draft.run(Phase.SEQUENCE, f"ALTER SEQUENCE {quote(one.name)} OWNED BY {owner}")


def made_sequence(thing: Object, column: Column | None) -> tuple[str, ...]:
    """The statements that make a sequence, and give it to the database's column where that is there already."""
    if column is None:
        return (thing.sql,)
    owned = f"ALTER SEQUENCE {quote(thing.name)} OWNED BY {quote(thing.table)}.{quote(column.name)}"
    if column.declared.partition("(")[0] not in _NUMBERS:
        return thing.sql, owned
    return thing.sql, owned, going_on(thing.name, thing.table, column.name)


def going_on(sequence: str, table: str, column: str) -> str:
    """A statement after which a sequence that nothing has used goes on after the highest number in a column.

    Why it is taken back with the transaction, which setval() is not: the sequence is one of this transaction.
    """
    highest = f"SELECT max({quote(column)})::bigint AS number FROM {quote(table)}"
    low = f"(SELECT last_value FROM {quote(sequence)})"
    return f"SELECT setval({_regclass(sequence)}, number) FROM ({highest}) AS highest WHERE number >= {low}"


def _regclass(sequence: str) -> str:
    return f"{literal(quote(sequence))}::regclass"


def other_sequence(thing: Object, revision: str) -> AlterObject:
    """The step that gives a sequence the chain's options and owner; its numbers go on where they are."""
    unlogged = thing.body.startswith("UNLOGGED ")
    options = altered_sequence(thing.name, thing.body)
    column = owned_by(thing)
    owner = f"{quote(thing.table)}.{quote(column)}" if column else "NONE"
    statements = [options, f"ALTER SEQUENCE {quote(thing.name)} OWNED BY {owner}"]
    if unlogged:
        statements.append(f"ALTER SEQUENCE {quote(thing.name)} SET UNLOGGED")
    return AlterObject("sequence", thing.name, ("options",), tuple(statements), revision=revision)
