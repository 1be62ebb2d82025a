"""Plans what gives columns the chain's shape: new ones, types, defaults, NOT NULL, generation and identity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.repair.context import in_list, is_constant, names_in_full
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.databases.postgresql.repair.draft import Draft, Phase
from architect_migrate.databases.postgresql.repair.sequences import carried_on, given_sequences, identity_work
from architect_migrate.databases.postgresql.repair.texts import column_text, detail_of, sort_of, typed
from architect_migrate.databases.postgresql.repair.types import is_same_storage, labels_of
from architect_migrate.diagnosis.suggestions import brought, for_missing, of_chain
from architect_migrate.planning import blockers as blocked
from architect_migrate.planning.row_questions import Answer, Changing, NullsIn, NullsOf, Violating

if TYPE_CHECKING:
    from architect_migrate.databases.postgresql.repair.context import RepairContext
    from architect_migrate.diagnosis.suggestions import Suggestion
    from architect_migrate.model.environment import Fill
    from architect_migrate.model.schema import Column


def missing_column(context: RepairContext, column: Column, draft: Draft) -> None:
    """Plan that a table gets a column; what its rows get is what the chain or an entry says."""
    table, fill = draft.table, context.fill(draft.table, column.name)
    rows = context.rows(table)
    has_value = column.default is not None or column.generated or detail_of(column).identity
    if rows and fill is not None and (fill.copy_from or fill.default is not None):
        _filled(context, column, fill, draft)
    elif rows and column.not_null and not has_value and not (fill and fill.nullable):
        likely = for_missing(context.chain, context.expected[table], column, context.actual[table])
        draft.blockers.append(blocked.required(context.expected[table], column, rows, likely))
    elif rows and not has_value and (likely := _brought(context, column, draft)):
        draft.blockers.append(blocked.brought(context.expected[table], column, rows, likely))
    else:
        _added(context, column, draft, nullable=bool(fill and fill.nullable))


def _brought(context: RepairContext, column: Column, draft: Draft) -> Suggestion | None:
    return brought(context.chain, context.expected[draft.table], column, context.actual[draft.table])


def _added(context: RepairContext, column: Column, draft: Draft, *, nullable: bool) -> None:
    """Plan ADD COLUMN; rows that the chain gave another default once get that one."""
    once, its_key = context.chain.added, (draft.table, column.name)
    shape = replace(column, not_null=False) if nullable else column
    draft.needs.append(column_text(column))
    first = once.get(its_key, column.default)
    if first != column.default and not column.generated and not (column.not_null and first is None):
        draft.columns.append(f"ADD COLUMN {column_text(replace(shape, default=first))}")
        _default(column, draft)
    else:
        draft.columns.append(f"ADD COLUMN {column_text(shape)}")
    given_sequences(context, column, draft)
    identity = detail_of(column).identity
    volatile = first is not None and not column.generated and not is_constant(first)
    stored = bool(column.generated and column.generated.stored)
    draft.is_rewritten = draft.is_rewritten or volatile or stored or bool(identity)
    draft.say(f"add column {column.name}", adds=True)


def _filled(context: RepairContext, column: Column, fill: Fill, draft: Draft) -> None:
    """Plan a column whose rows get what an entry says.

    Why ALTER TYPE and not UPDATE: an UPDATE sets off triggers and rules, and policies hide rows from it.
    """
    table = draft.table
    if fill.copy_from and context.column(table, fill.copy_from) is None:
        why = f"{fill.origin} copies from {fill.copy_from}, which the table does not have"
        draft.blockers.append(blocked.stuck(table, column.name, why))
        return
    value = f"({_expression(fill)})::{column.declared}"
    if not _has_values(context, column, value, fill, draft):
        return
    draft.needs.append(column_text(column))
    draft.columns.append(f"ADD COLUMN {quote(column.name)} {typed(column)}")
    draft.alter(Phase.FILL, f"ALTER {quote(column.name)} TYPE {typed(column)} USING {value}")
    if column.default is not None:
        _default(column, draft)
        given_sequences(context, column, draft)
        carried_on(context, column, None, draft)
    if column.not_null and not fill.nullable:
        draft.alter(Phase.SHAPE, f"ALTER {quote(column.name)} SET NOT NULL")
    draft.fill[column.name] = value
    draft.is_rewritten = True
    draft.say(f"add column {column.name}, filled with {value}")


def _has_values(context: RepairContext, column: Column, value: str, fill: Fill, draft: Draft) -> bool:
    """Whether each row has a value for a filled column, of the column's type."""
    asked = value if context.has_type(column.declared) else _expression(fill)
    nulls = context.can_answer(NullsOf(draft.table, asked))
    if isinstance(nulls, str):
        why = f"its rows cannot be filled with {value}: {nulls}"
        draft.blockers.append(blocked.stuck(draft.table, column.name, why))
        return False
    if nulls.count and column.not_null and not fill.nullable:
        draft.blockers.append(blocked.unfilled(draft.table, column.name, nulls, fill.origin))
        return False
    return True


def _expression(fill: Fill) -> str:
    """The value of a filled column as SQL over the row."""
    source = quote(fill.copy_from) if fill.copy_from else ""
    if source and fill.default is not None:
        return f"COALESCE({source}, {fill.default})"
    return source or str(fill.default)


def _default(column: Column, draft: Draft) -> None:
    clause = "DROP DEFAULT" if column.default is None else f"SET DEFAULT {column.default}"
    draft.alter(Phase.SHAPE, f"ALTER {quote(column.name)} {clause}")
    draft.needs.append(column.default or "")


def other_column(context: RepairContext, expected: Column, actual: Column, draft: Draft) -> None:
    """Plan that a column that is there becomes the chain's."""
    name = expected.name
    if detail_of(expected).options != detail_of(actual).options:
        draft.blockers.append(blocked.stuck(draft.table, name, "its options of a foreign table differ"))
        return
    if expected.generated or actual.generated:
        _generation(context, expected, actual, draft)
        return
    if (expected.declared, expected.collation) != (actual.declared, actual.collation):
        _type(context, expected, actual, draft)
    if detail_of(expected).identity != detail_of(actual).identity:
        identity_work(context, expected, actual, draft)
    elif expected.default != actual.default and not _is_retyped(expected, draft):
        _default(expected, draft)
        draft.say(f"default of {name}")
        carried_on(context, expected, actual, draft)
    if actual.not_null and not expected.not_null:
        draft.alter(Phase.SHAPE, f"ALTER {quote(name)} DROP NOT NULL")
        draft.say(f"drop not null {name}")
    elif expected.not_null and not actual.not_null and not detail_of(expected).identity:
        _tighten(context, expected, draft)


def _is_retyped(column: Column, draft: Draft) -> bool:
    return (draft.table, column.name) in draft.converted


def _type(context: RepairContext, expected: Column, actual: Column, draft: Draft) -> None:
    """Plan another type or collation; the default goes before and comes again after it."""
    name, table = quote(expected.name), draft.table
    sort = sort_of(context.actual[table])
    if sort.of_type or expected.name in names_in_full(sort.partitioning):
        why = "the table has the columns of a type" if sort.of_type else "it decides in which partition a row is"
        draft.blockers.append(blocked.stuck(table, expected.name, f"PostgreSQL gives it no other type: {why}"))
        return
    using = f"{name}::text::{expected.declared}" if _needs_text(context, expected, actual) else ""
    if (expected.declared != actual.declared) and not _survives(context, expected, draft):
        return
    if not using and expected.declared != actual.declared and not _is_assignable(context, expected, actual):
        using = f"{name}::{expected.declared}"
    if actual.default is not None:
        draft.alter(Phase.FREE_COLUMN, f"ALTER {name} DROP DEFAULT")
    draft.columns.append(f"ALTER {name} TYPE {typed(expected)}" + (f" USING {using}" if using else ""))
    draft.starts.append(Start("altered column", table, expected.name))
    draft.needs.append(expected.declared)
    if not detail_of(expected).identity and expected.default is not None:
        _default(expected, draft)
        carried_on(context, expected, actual, draft)
    if expected.declared == actual.declared:
        draft.say(f"collation of {expected.name}")
        return
    draft.converted.append((table, expected.name))
    draft.is_rewritten = draft.is_rewritten or not is_same_storage(actual.declared, expected.declared)
    draft.say(f"type of {expected.name}: {expected.declared}")


def _needs_text(context: RepairContext, expected: Column, actual: Column) -> bool:
    """Whether values go through their text to another type, because there is no cast."""
    if not context.has_type(expected.declared):
        return True
    asked = f"SELECT NULL::{actual.declared}::{expected.declared}"
    return expected.declared != actual.declared and bool(context.refused(asked))


def _is_assignable(context: RepairContext, expected: Column, actual: Column) -> bool:
    """Whether values of one type are stored in a column of another one as they are, or refused."""
    return context.is_assignable(actual.declared, expected.declared)


def _survives(context: RepairContext, expected: Column, draft: Draft) -> bool:
    """Whether every value of a column is the same value in the chain's type."""
    table, name = draft.table, expected.name
    labels = labels_of(context, expected.declared)
    if context.has_type(expected.declared) and not labels:
        lost = context.can_answer(Changing(table, name, expected.declared))
    elif labels:
        lost = context.can_answer(Violating(table, f"{quote(name)}::text IN ({in_list(labels)})"))
    else:
        lost = Answer(0)
    if isinstance(lost, str):
        draft.blockers.append(blocked.stuck(table, name, f"it cannot become {expected.declared}: {lost}"))
        return False
    if lost.count:
        draft.blockers.append(blocked.lost_values(table, name, expected.declared, lost))
    return not lost.count


def _tighten(context: RepairContext, expected: Column, draft: Draft) -> None:
    """Plan NOT NULL; an entry can fill the rows without a value."""
    table, name = draft.table, quote(expected.name)
    fill = context.fill(table, expected.name)
    if fill is not None and fill.nullable:
        return
    value = f"COALESCE({name}, ({_expression(fill)})::{expected.declared})" if fill else ""
    nulls = context.can_answer(NullsOf(table, value) if value else NullsIn(table, expected.name))
    if isinstance(nulls, str):
        why = f"its rows cannot be filled with {value}: {nulls}"
        draft.blockers.append(blocked.stuck(table, expected.name, why))
    elif nulls.count:
        shape = context.expected[table]
        draft.blockers.append(blocked.null_rows(shape, expected, nulls, of_chain(context.chain, shape, expected)))
    else:
        if value and context.ask(NullsIn(table, expected.name)).count:
            draft.alter(Phase.FILL, f"ALTER {name} TYPE {typed(expected)} USING {value}")
            draft.starts.append(Start("altered column", table, expected.name))
            draft.fill[expected.name] = value
            draft.is_rewritten = True
        draft.alter(Phase.SHAPE, f"ALTER {name} SET NOT NULL")
        draft.say(f"set not null {expected.name}" + (f", filled with {value}" if draft.fill.get(expected.name) else ""))


def _generation(context: RepairContext, expected: Column, actual: Column, draft: Draft) -> None:
    """Plan what generates a column: a plain column keeps its values, and gives up none that the expression has not."""
    table, name = draft.table, expected.name
    if expected.generated is None:
        _plain(context, expected, actual, draft)
        return
    if actual.generated is None:
        generated = f"({expected.generated.expression})::{expected.declared}"
        # Why by text: json has no equality.
        same = f"{quote(name)}::text IS NOT DISTINCT FROM {generated}::text"
        lost = context.can_answer(Violating(table, same))
        if isinstance(lost, str) or lost.count:
            why = lost if isinstance(lost, str) else f"{lost.count} of its values are others than it would have"
            draft.blockers.append(blocked.stuck(table, name, f"the chain generates it, and {why}"))
            return
    draft.remade[name] = column_text(expected)
    draft.starts.append(Start("column", table, name))
    draft.needs.append(column_text(expected))
    draft.is_rewritten = draft.is_rewritten or expected.generated.stored
    draft.say(f"make generated column {name} anew")


def _plain(context: RepairContext, expected: Column, actual: Column, draft: Draft) -> None:
    """Plan that a generated column is one that is written to; it keeps its values."""
    if actual.generated and not actual.generated.stored:
        why = "the chain stores it, and here it is computed whenever it is read"
        draft.blockers.append(blocked.stuck(draft.table, expected.name, why))
        return
    draft.alter(Phase.FREE_COLUMN, f"ALTER {quote(expected.name)} DROP EXPRESSION")
    draft.say(f"{expected.name} is generated no more")
    other_column(context, expected, replace(actual, generated=None, default=None), draft)
