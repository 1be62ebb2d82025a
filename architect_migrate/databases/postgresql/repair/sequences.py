"""Plans what gives columns their numbers: identities, sequences, and where these go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.databases.postgresql.repair.context import literals_in
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.databases.postgresql.repair.draft import Draft, Phase
from architect_migrate.databases.postgresql.repair.texts import (
    altered_sequence,
    bounds,
    detail_of,
    identity_clause,
    identity_parts,
    options_of,
    owned_by,
    shortened,
)
from architect_migrate.databases.postgresql.statements import significant
from architect_migrate.planning import blockers as blocked
from architect_migrate.planning.plan import AlterObject

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            carried_on(context, expected, actual, draft)
        return
    manner, options = identity_parts(wanted)
    text = f"AS {expected.declared} {_without_name(options)}"
    if options != identity_parts(there)[1] and (why := beyond(context, identity_sequence(draft.table, actual), text)):
        draft.blockers.append(blocked.stuck(draft.table, expected.name, why))
        return
    if manner != identity_parts(there)[0]:
        draft.alter(Phase.SHAPE, f"ALTER {name} SET GENERATED {manner}")
    if options != identity_parts(there)[1]:
        old, new = identity_sequence(draft.table, actual), identity_sequence(draft.table, expected)
        if old != new:
            draft.run(Phase.SHAPE, f"ALTER SEQUENCE {quote(old)} RENAME TO {quote(new)}")
        draft.run(Phase.SHAPE, altered_sequence(new, text))
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
        draft.run(Phase.SEQUENCE, _taken_over(new, _ASIDE))
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


def carried_on(context: RepairContext, expected: Column, actual: Column | None, draft: Draft) -> None:
    """Plan that a sequence that is new to a column goes on after the furthest number in it.

    `actual` is None for a column that is added with values that the sequence did not give.
    """
    if expected.declared.partition("(")[0] not in _NUMBERS:
        return
    there = {one.name for one in context.schemas[0].objects if one.kind == "sequence"}
    fed = fed_by(actual.default) if actual else frozenset()
    for one in _sequences_of(context, draft.table, expected):
        if one.name not in there:
            draft.run(Phase.SEQUENCE, going_on(one.name, draft.table, expected.name))
        elif one.name not in fed:
            draft.run(Phase.SEQUENCE, altered_sequence(one.name, options_of(one)))
            draft.run(Phase.SEQUENCE, going_on(one.name, draft.table, expected.name))


def given_sequences(context: RepairContext, column: Column, draft: Draft) -> None:
    """Plan that a new column has the sequences that belong to it, which are made before it."""
    for one in context.schemas[1].objects:
        if one.kind == "sequence" and (one.table, owned_by(one)) == (draft.table, column.name):
            owner = f"{quote(draft.table)}.{quote(column.name)}"
            draft.run(Phase.SEQUENCE, f"ALTER SEQUENCE {quote(one.name)} OWNED BY {owner}")


def fed_by(default: str | None) -> frozenset[str]:
    """The sequences whose numbers a default gives."""
    tokens = significant(default or "")
    given = zip(tokens, tokens[1:], tokens[2:], strict=False)
    texts = [text.text for word, bracket, text in given if (word.name, bracket.text) == ("nextval", "(")]
    return frozenset(significant(name)[-1].name for text in texts for name in literals_in(text))


def _sequences_of(context: RepairContext, table: str, column: Column) -> Iterator[Object]:
    """The sequences of the chain that belong to a column, or whose numbers it gets."""
    fed = fed_by(column.default)
    for one in context.schemas[1].objects:
        if one.kind == "sequence" and (one.name in fed or (one.table, owned_by(one)) == (table, column.name)):
            yield one


def made_sequence(context: RepairContext, thing: Object) -> tuple[str, ...]:
    """The statements that make a sequence, which goes on after the numbers of the columns that are there already.

    An identity of the database whose sequence has its name gives it up, and the number that it is at.
    """
    column = context.column(thing.table, owned_by(thing))
    statements = [thing.sql]
    if column is not None:
        statements.append(f"ALTER SEQUENCE {quote(thing.name)} OWNED BY {quote(thing.table)}.{quote(column.name)}")
    if is_of_identity(context, thing.name):
        aside = shortened(thing.name, "archmig_aside")
        statements.insert(0, f"ALTER SEQUENCE {quote(thing.name)} RENAME TO {quote(aside)}")
        statements.append(_taken_over(thing.name, aside))
        statements += context.extras_of(Start("relation", thing.name))
    return (*statements, *going_on_everywhere(context, thing))


def going_on_everywhere(context: RepairContext, thing: Object) -> Iterator[str]:
    """Yield the statements that let a sequence go on after the numbers of each column that gets its numbers."""
    for table in context.expected.values():
        for column in table.columns:
            there = context.column(table.name, column.name)
            is_number = there is not None and there.declared.partition("(")[0] in _NUMBERS
            if is_number and thing in _sequences_of(context, table.name, column):
                yield going_on(thing.name, table.name, column.name)


def is_of_identity(context: RepairContext, name: str) -> bool:
    """Whether a sequence of the database is that of an identity."""
    columns = ((table.name, column) for table in context.actual.values() for column in table.columns)
    return any(detail_of(column).identity and identity_sequence(table, column) == name for table, column in columns)


def named_otherwise(context: RepairContext, thing: Object) -> str:
    """The sequence that belongs to a sequence's column instead, gives it its numbers, and is not the chain's."""
    old, column = owned_sequence(context, thing.table, owned_by(thing)), context.column(thing.table, owned_by(thing))
    return old if column is not None and old in fed_by(column.default) else ""


def renamed_sequence(old: str, thing: Object, revision: str) -> AlterObject:
    """The step that gives a sequence the chain's name and options; it goes on where it is."""
    rename = f"ALTER SEQUENCE {quote(old)} RENAME TO {quote(thing.name)}"
    statements = (rename, altered_sequence(thing.name, options_of(thing)))
    return AlterObject("sequence", old, (f"rename to {thing.name}",), statements, revision=revision)


def going_on(sequence: str, table: str, column: str) -> str:
    """A statement after which a sequence goes on after the furthest number in a column, in the direction that it has.

    Why it is taken back with the transaction, which setval() is not: the sequence is one of this transaction, or was
    altered in it.
    """
    furthest = f"CASE WHEN seqincrement > 0 THEN max({quote(column)}) ELSE min({quote(column)}) END::numeric"
    number = "greatest(least(number, seqmax), seqmin)::bigint"
    return (
        f"SELECT setval({_regclass(sequence)}, {number}) FROM pg_sequence s, {quote(sequence)} q, "
        f"LATERAL (SELECT {furthest} AS number FROM {quote(table)}) AS furthest "
        f"WHERE seqrelid = {_regclass(sequence)} AND (number - q.last_value) * sign(seqincrement) >= 0"
    )


def _taken_over(new: str, old: str) -> str:
    """A statement after which a sequence goes on where another one is, if that is further."""
    return (
        f"SELECT setval({_regclass(new)}, greatest(least(o.last_value, seqmax), seqmin)) "
        f"FROM {quote(old)} o, {quote(new)} q, pg_sequence s "
        f"WHERE seqrelid = {_regclass(new)} AND o.is_called AND (o.last_value - q.last_value) * sign(seqincrement) >= 0"
    )


def _regclass(sequence: str) -> str:
    return f"{literal(quote(sequence))}::regclass"


def beyond(context: RepairContext, name: str, body: str) -> str:
    """Why PostgreSQL refuses to give a sequence of the database other options; empty if it does not."""
    at = int(query(context.connection, f"SELECT last_value FROM {quote(name)}").fetchall()[0][0])
    lowest, highest = bounds(body)
    return "" if lowest <= at <= highest else f"it is at {at}, and the chain lets it go from {lowest} to {highest}"


def other_sequence(context: RepairContext, thing: Object, revision: str) -> AlterObject:
    """The step that gives a sequence the chain's options and owner; its numbers go on where they are."""
    unlogged = thing.body.startswith("UNLOGGED ")
    options = altered_sequence(thing.name, options_of(thing))
    column = owned_by(thing)
    owner = f"{quote(thing.table)}.{quote(column)}" if column else "NONE"
    statements = [options, f"ALTER SEQUENCE {quote(thing.name)} OWNED BY {owner}"]
    if unlogged:
        statements.append(f"ALTER SEQUENCE {quote(thing.name)} SET UNLOGGED")
    statements += going_on_everywhere(context, thing)
    return AlterObject("sequence", thing.name, ("options",), tuple(statements), revision=revision)
