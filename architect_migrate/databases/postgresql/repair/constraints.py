"""Plans keys, checks and foreign keys: what is missing after its rows were asked, and what is there otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.databases.postgresql.repair.draft import Draft, Phase
from architect_migrate.databases.postgresql.repair.room import key_clause
from architect_migrate.model.facts import (
    CheckFact,
    ConflictFact,
    ForeignKeyFact,
    NameFact,
    PrimaryKeyFact,
    UniqueFact,
    actions,
)
from architect_migrate.planning import blockers as blocked
from architect_migrate.planning.row_questions import Answer, Orphans, Violating

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.databases.postgresql.repair.context import RepairContext
    from architect_migrate.model.schema import ConstraintName, ForeignKey, Key, Table

Constraint = PrimaryKeyFact | UniqueFact | CheckFact | ForeignKeyFact
_NOT_VALID = " NOT VALID"
_PHASES = {
    "primary key": Phase.KEY,
    "unique": Phase.KEY,
    "check": Phase.CHECK,
    "foreign key": Phase.FOREIGN_KEY,
}


def constraints_of(table: Table | None, kind: str, of: Key) -> tuple[ConstraintName, ...]:
    """The constraints of a table that are identified so, in the order of their names."""
    found = table.constraint_names if table else ()
    return tuple(sorted((one for one in found if (one.kind, one.of) == (kind, of)), key=lambda one: one.name))


def identified(fact: Constraint) -> tuple[str, Key]:
    """The kind of a constraint, and what identifies it among those of its table."""
    match fact:
        case PrimaryKeyFact():
            return "primary key", ()
        case UniqueFact():
            return "unique", fact.columns
        case CheckFact():
            return "check", (fact.check.expression,)
        case ForeignKeyFact(foreign_key=own):
            return "foreign key", (",".join(own.columns), own.parent, *actions(own))


def missing_constraint(context: RepairContext, fact: Constraint, draft: Draft) -> None:
    """Plan a constraint of the chain, if no row breaks it."""
    kind, of = identified(fact)
    if not _is_kept_by_rows(context, fact, draft):
        return
    for one in constraints_of(context.expected[fact.table], kind, of):
        add(context, one, draft)
    draft.say(f"add {kind} ({_shown(fact)})", adds=True)


def add(context: RepairContext, one: ConstraintName, draft: Draft) -> None:
    """Plan the statements that add a constraint; what only looks at rows does that by a lock that lets them be read."""
    name = quote(one.name)
    draft.needs.append(one.sql)
    draft.added.append(one.name)
    phase = _PHASES[one.kind]
    is_later = one.kind == "check" or (one.kind == "foreign key" and not draft.is_partitioned)
    if is_later and not one.sql.endswith((_NOT_VALID, "NOT ENFORCED")):
        draft.alter(phase, f"ADD CONSTRAINT {name} {one.sql}{_NOT_VALID}")
        draft.alter(Phase.VALIDATE, f"VALIDATE CONSTRAINT {name}")
    elif phase is Phase.KEY:
        draft.alter(phase, key_clause(context, one, draft))
    else:
        draft.alter(phase, f"ADD CONSTRAINT {name} {one.sql}")


def drop(constraints: Iterable[ConstraintName], draft: Draft) -> None:
    """Plan that constraints go; what refers to a key is taken down before."""
    for one in constraints:
        phase = Phase.DROP_FOREIGN_KEY if one.kind == "foreign key" else Phase.DROP_CONSTRAINT
        draft.alter(phase, f"DROP CONSTRAINT {quote(one.name)}")
        draft.starts.append(Start("constraint", draft.table, one.name))
        draft.dropped.append(one.name)


def other_constraint(context: RepairContext, fact: Constraint, actual: Constraint, draft: Draft) -> None:
    """Plan that a constraint is dropped and added as the chain has it, if no row breaks it then."""
    if not _is_kept_by_rows(context, fact, draft):
        return
    there = constraints_of(context.actual.get(fact.table), *identified(actual))
    wanted = constraints_of(context.expected[fact.table], *identified(fact))
    drop(there, draft)
    for one in wanted:
        add(context, one, draft)
    draft.again.update((old.name, new.name) for old, new in zip(there, wanted, strict=False))
    draft.say(f"{identified(fact)[0]} ({_shown(fact)}) as the chain has it")


def extra_constraint(context: RepairContext, fact: Constraint, draft: Draft) -> None:
    """Plan that a constraint that only the database has goes; not the only key that something refers to."""
    gone = constraints_of(context.actual.get(fact.table), *identified(fact))
    users = context.in_the_way(Start("constraint", fact.table, one.name) for one in gone)
    if users and not _has_such_key(context, fact):
        why = f"{', '.join(user.shown for user in users)} needs it, so it cannot be dropped"
        draft.blockers.append(blocked.stuck(fact.table, _first_column(fact), why))
        return
    drop(gone, draft)
    draft.gone += [one.name for one in gone]
    draft.say(f"drop {identified(fact)[0]} ({_shown(fact)})")


def _has_such_key(context: RepairContext, fact: Constraint) -> bool:
    """Whether the chain has a key of the same columns, to which everything can refer instead."""
    table = context.expected.get(fact.table)
    if table is None or not isinstance(fact, PrimaryKeyFact | UniqueFact):
        return False
    return {*fact.columns} in [{*table.primary_key}, *({*columns} for columns in table.uniques)]


def other_clause(context: RepairContext, fact: ConflictFact, draft: Draft) -> None:
    """Plan that a constraint has the clauses that it has in the chain: validated, deferrable, with its triggers on."""
    table, kind, columns = fact.table, fact.conflict.kind, fact.conflict.columns
    if kind == "not null":
        draft.alter(Phase.DROP_CONSTRAINT, f"ALTER {quote(columns[0])} DROP NOT NULL")
        draft.alter(Phase.SHAPE, f"ALTER {quote(columns[0])} SET NOT NULL")
        draft.say(f"not null {columns[0]} for all rows")
        return
    wanted = _similar(context.expected.get(table), kind, columns)
    there = {one.name: one for one in _similar(context.actual.get(table), kind, columns)}
    for one in wanted:
        known = there.pop(one.name, None) or (there.popitem()[1] if there else None)
        if known is None or (known.sql == one.sql and not _is_broken(fact)):
            continue
        if known.sql == one.sql + _NOT_VALID:
            if _has_no_breach(context, one, draft):
                draft.alter(Phase.VALIDATE, f"VALIDATE CONSTRAINT {quote(known.name)}")
        else:
            draft.take_back(f"RENAME CONSTRAINT {quote(known.name)} ")
            drop([known], draft)
            add(context, one, draft)
            draft.again[known.name] = one.name
    draft.say(f"{kind} ({', '.join(columns) or 'of the table'}) as the chain has it")


def _is_broken(fact: ConflictFact) -> bool:
    """Whether a constraint has the text of the chain's, and yet does not hold: only making it anew helps."""
    return "disabled triggers" in fact.conflict.action or "invalid index" in fact.conflict.action


def _similar(table: Table | None, kind: str, columns: Key) -> list[ConstraintName]:
    """The constraints that a clause is about, which is identified without the actions of a foreign key."""
    found = table.constraint_names if table else ()
    own = (one for one in found if one.kind == kind and one.of[: 2 if kind == "foreign key" else None] == columns)
    return sorted(own, key=lambda one: one.name)


def _has_no_breach(context: RepairContext, one: ConstraintName, draft: Draft) -> bool:
    """Whether no row breaks a constraint that is to be validated."""
    table = context.expected[draft.table]
    if one.kind == "check":
        its = next(check for check in table.checks if check.expression == one.of[0])
        return _is_kept_by_rows(context, CheckFact(table.name, its), draft)
    own = next(key for key in table.foreign_keys if identified(ForeignKeyFact(table.name, key))[1] == one.of)
    return _is_kept_by_rows(context, ForeignKeyFact(table.name, own), draft)


def other_name(context: RepairContext, fact: NameFact, draft: Draft) -> None:
    """Plan the names of constraints as the chain has them, because later revisions find them by their names."""
    table = fact.table
    there = [one.name for one in constraints_of(context.actual.get(table), fact.kind, fact.of)]
    lacking = [name for name in fact.names if name not in there]
    free = [name for name in there if name not in fact.names]
    taken = {one.name for one in context.actual[table].constraint_names} - {*there}
    for name in lacking:
        if name in taken:
            why = f"the chain gives {fact.kind} ({', '.join(fact.columns)}) the name {name}, which another one has"
            draft.blockers.append(blocked.stuck(table, next(iter(fact.columns), ""), why))
        elif free:
            old = free.pop(0)
            draft.alter(Phase.RENAME, f"RENAME CONSTRAINT {quote(old)} TO {quote(name)}")
            draft.say(f"rename constraint {old} to {name}")
        else:
            of = constraints_of(context.expected[table], fact.kind, fact.of)
            add(context, next(one for one in of if one.name == name), draft)
            draft.say(f"add constraint {name}", adds=True)


def _is_kept_by_rows(context: RepairContext, fact: Constraint, draft: Draft) -> bool:
    """Whether no row breaks a constraint; adds a blocker if one does."""
    table = fact.table
    match fact:
        case PrimaryKeyFact() | UniqueFact():
            found = context.doubled(table, fact.columns)
            if not found.count and _is_of_nulls(context, fact):
                found = Answer(context.repeated(table, map(quote, fact.columns), "", nulls=True))
            if found.count:
                draft.blockers.append(blocked.duplicates(table, fact.columns, found))
        case CheckFact(check=check):
            if table not in context.actual or not all(context.column(table, each) for each in check.mentions):
                return True
            answer = context.can_answer(Violating(table, check.expression))
            if isinstance(answer, str):
                return True
            found = answer
            if found.count:
                column = next(iter(sorted(check.mentions)), "")
                draft.blockers.append(blocked.broken_check(table, column, check.expression, found))
        case ForeignKeyFact(foreign_key=own):
            if not _are_there(context, table, own.columns):
                return True
            if own.parent in context.expected and own.parent not in context.actual:
                # The parent will be there, without a row.
                empty = " OR ".join(f"{quote(column)} IS NULL" for column in own.columns)
                found = context.ask(Violating(table, empty))
            elif _are_there(context, own.parent, own.parent_columns):
                found = _orphans(context, table, own)
            else:
                return True
            if found.count:
                draft.blockers.append(blocked.orphans(table, own.parent, own.columns, found))
    return not found.count


def _orphans(context: RepairContext, table: str, own: ForeignKey) -> Answer:
    """The rows that refer to nothing; by the texts of values where one end is still to get the type of the other."""
    found = context.can_answer(Orphans(table, own.columns, own.parent, own.parent_columns))
    if not isinstance(found, str):
        return found
    empty = " OR ".join(f"{quote(column)} IS NULL" for column in own.columns)
    values = ", ".join(f"{quote(column)}::text" for column in own.columns)
    parents = ", ".join(f"p.{quote(column)}::text" for column in own.parent_columns)
    there = f"({values}) IN (SELECT {parents} FROM {quote(own.parent)} p)"
    return context.ask(Violating(table, f"{empty} OR {there}"))


def _is_of_nulls(context: RepairContext, fact: Constraint) -> bool:
    """Whether NULLs are equal to each other for a unique constraint of the chain."""
    every = constraints_of(context.expected.get(fact.table), *identified(fact))
    return any("NULLS NOT DISTINCT" in one.sql for one in every)


def _are_there(context: RepairContext, table: str, columns: Key) -> bool:
    return all(context.column(table, column) for column in columns)


def _first_column(fact: Constraint) -> str:
    match fact:
        case CheckFact():
            return next(iter(sorted(fact.check.mentions)), "")
        case ForeignKeyFact():
            return fact.foreign_key.columns[0]
        case _:
            return fact.columns[0]


def _shown(fact: Constraint) -> str:
    match fact:
        case CheckFact():
            return fact.check.expression
        case ForeignKeyFact(foreign_key=own):
            return f"{', '.join(own.columns)} to {own.parent}"
        case _:
            return ", ".join(fact.columns)
