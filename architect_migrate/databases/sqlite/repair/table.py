"""Plans the repair of one table of an SQLite database: by ALTER TABLE where SQLite can do that, else by a rebuild."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, quote
from architect_migrate.core.sql_errors import EditImpossibleError, UnreadableSqlError
from architect_migrate.databases.sqlite.repair.objects import doubled
from architect_migrate.databases.sqlite.rows.unfit import refused_default
from architect_migrate.databases.sqlite.sql import edit
from architect_migrate.databases.sqlite.sql.lexer import canonical
from architect_migrate.databases.sqlite.sql.nodes import Check, NotNull, PrimaryKey, Unique
from architect_migrate.databases.sqlite.sql.render import (
    check_text,
    column_definition,
    constraint_texts,
    create_table,
    declared_with,
    default_text,
    name,
    type_text,
)
from architect_migrate.diagnosis.resolutions import drops, fill_of
from architect_migrate.diagnosis.suggestions import brought, for_missing, of_chain
from architect_migrate.model.compare import storage_class
from architect_migrate.model.diff import Change, Differs, Extra, Missing
from architect_migrate.model.environment import Repair
from architect_migrate.model.facts import (
    CheckFact,
    ColumnFact,
    ConflictFact,
    ForeignKeyFact,
    NameFact,
    PrimaryKeyFact,
    TableFact,
    UniqueFact,
    keyed,
    named_constraint,
    table_facts,
)
from architect_migrate.planning import blockers as blocked
from architect_migrate.planning import plan, table_edits
from architect_migrate.planning.row_questions import Changing, NullsIn, NullsOf, Violating

if TYPE_CHECKING:
    from architect_migrate.databases.sqlite.repair.objects import RepairContext
    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.diagnosis.suggestions import Suggestion
    from architect_migrate.model.environment import Fill
    from architect_migrate.model.schema import Column, ForeignKey, Table


@dataclass(slots=True)
class _Draft:
    """The steps, edits and blockers collected while the changes of one table are planned.

    `native` are columns that ALTER TABLE adds; `edits` and `fill` go into one rebuild; `later` are steps after it;
    `brought` are checks and foreign keys that come with a new column's own definition.
    """

    native: list[plan.AddColumn] = field(default_factory=list)
    edits: list[table_edits.Edit] = field(default_factory=list)
    fill: dict[str, str] = field(default_factory=dict)
    later: list[plan.Step] = field(default_factory=list)
    blockers: list[Finding] = field(default_factory=list)
    brought: set[object] = field(default_factory=set)


def table_work(repair_context: RepairContext, table: str, changes: tuple[Change, ...], revision: str) -> plan.Work:
    """The steps that repair a table, or the blockers; its indexes, triggers and views are planned by `object_work`."""
    if any(isinstance(each, Missing) and isinstance(each.fact, TableFact) for each in changes):
        made = repair_context.expected[table]
        return plan.Work((plan.CreateObject("table", made.spelling, create_table(made), revision),))
    draft = _Draft()
    if any(isinstance(change, Differs) and isinstance(change.fact, TableFact) for change in changes):
        # A virtual table, say: nothing can be asked of its rows, and no edit leads out of it.
        return plan.Work((), (blocked.stuck(table, "", "the table has another kind than in the chain"),))
    for change in sorted(changes, key=_order):
        _consider(repair_context, table, change, revision, draft)
    return _assembled(repair_context, table, revision, draft)


def _order(change: Change) -> int:
    """Sort new columns first, which may bring their own check or foreign key, and conflict clauses last."""
    if isinstance(change, Missing) and isinstance(change.fact, ColumnFact):
        return 0
    return 2 if isinstance(change, Missing | Differs | Extra) and isinstance(change.fact, ConflictFact) else 1


def _consider(repair_context: RepairContext, table: str, change: Change, revision: str, draft: _Draft) -> None:
    match change:
        case Missing(fact=ColumnFact() as fact):
            _missing_column(repair_context, table, fact.column, revision, draft)
        case Missing(fact=UniqueFact() as fact):
            _missing_unique(repair_context, fact, revision, draft)
        case Missing(fact=CheckFact() as fact):
            _missing_check(repair_context, fact, draft)
        case Missing(fact=ForeignKeyFact() as fact):
            if fact.foreign_key.columns not in draft.brought:
                draft.edits += _clauses(repair_context.expected[table], fact)
        case Missing(fact=PrimaryKeyFact() as fact) | Differs(fact=PrimaryKeyFact() as fact):
            _primary_key(repair_context, fact, draft)
        case Differs(fact=ColumnFact() as fact, actual=ColumnFact() as actual):
            _other_column(repair_context, table, fact.column, actual.column, draft)
        case Differs(fact=ForeignKeyFact() as fact):
            _foreign_keys_again(repair_context, table, fact.foreign_key, draft)
        case Missing(fact=NameFact() as fact) | Differs(fact=NameFact() as fact):
            _other_name(repair_context, fact, draft)
        case (
            Missing(fact=ConflictFact() as fact)
            | Differs(fact=ConflictFact() as fact)
            | Extra(fact=ConflictFact() as fact)
        ):
            _other_conflict(repair_context, fact, draft)
        case Extra():
            _harmful_extra(repair_context, change, draft)
        case _:
            raise AssertionError(change)


def _missing_column(repair_context: RepairContext, table: str, column: Column, revision: str, draft: _Draft) -> None:
    shape = repair_context.expected[table]
    fill = fill_of(repair_context.resolutions, table, column.name)
    without: tuple[type[Unique | PrimaryKey | NotNull], ...] = (Unique, PrimaryKey)
    if fill is not None and fill.nullable:
        without = (*without, NotNull)
    definition = column_definition(shape, column.name, without)
    for constraint in declared_with(shape, column.name):
        brings = canonical(constraint.expression) if isinstance(constraint, Check) else (column.name,)
        draft.brought.add(brings)
    rows = repair_context.rows(table)
    if rows and fill is not None and (fill.copy_from or fill.default is not None):
        if _can_fill(repair_context, table, column, fill, draft):
            draft.edits.append(table_edits.AddColumn(definition))
            draft.fill[column.spelling] = _expression(fill)
    elif rows and column.not_null and column.default is None and not column.generated and NotNull not in without:
        likely = for_missing(repair_context.chain, shape, column, repair_context.actual[table])
        draft.blockers.append(blocked.required(shape, column, rows, likely))
    elif rows and (likely := _brought(repair_context, table, column)):
        draft.blockers.append(blocked.brought(shape, column, rows, likely))
    elif rows and (refused := refused_default(shape, column)):
        draft.blockers.append(blocked.stuck(table, column.name, refused))
    elif rows and _had_another_default(repair_context, table, column):
        draft.edits.append(table_edits.AddColumn(definition))
        draft.fill[column.spelling] = repair_context.chain.added[table, column.name] or "NULL"
    elif rows and not constant_default(shape, column):
        draft.edits.append(table_edits.AddColumn(definition))
    else:
        draft.native.append(plan.AddColumn(repair_context.spelling(table), column.spelling, definition, revision))


def _had_another_default(repair_context: RepairContext, table: str, column: Column) -> bool:
    """Whether the chain added a column with another default than it has now, which the rows of that time got."""
    added, its_key = repair_context.chain.added, (table, column.name)
    if column.generated is not None or its_key not in added or (column.not_null and added[its_key] is None):
        return False
    return added[its_key] != column.default


def _brought(repair_context: RepairContext, table: str, column: Column) -> Suggestion | None:
    """What the chain would have brought to the rows of a missing column; None where the column gives it by itself."""
    if column.default is not None or column.generated is not None:
        return None
    return brought(repair_context.chain, repair_context.expected[table], column, repair_context.actual[table])


def constant_default(shape: Table, column: Column) -> bool:
    """Whether ALTER TABLE can add the column to a table with rows: not with CURRENT_TIMESTAMP, (...) or STORED."""
    if column.generated is not None:
        return not column.generated.stored
    written = canonical(default_text(shape, column.name)) if column.default is not None else "null"
    return not written.startswith("current_") and not default_text(shape, column.name).lstrip().startswith("(")


def _can_fill(repair_context: RepairContext, table: str, column: Column, fill: Fill, draft: _Draft) -> bool:
    if fill.copy_from and repair_context.column(table, fold(fill.copy_from)) is None:
        draft.blockers.append(
            blocked.stuck(
                table, column.name, f"{fill.origin} copies from {fill.copy_from}, which the table does not have"
            )
        )
        return False
    if column.not_null and not fill.nullable:
        nulls = repair_context.ask(NullsOf(repair_context.spelling(table), _expression(fill)))
        if nulls.count:
            draft.blockers.append(blocked.unfilled(table, column.name, nulls, fill.origin))
            return False
    return True


def _expression(fill: Fill) -> str:
    """The value of a filled column as SQL over the old row."""
    source = quote(fill.copy_from) if fill.copy_from else ""
    if source and fill.default is not None:
        return f"COALESCE({source}, {fill.default})"
    return source or str(fill.default)


def _missing_unique(repair_context: RepairContext, fact: UniqueFact, revision: str, draft: _Draft) -> None:
    """Plan the chain's own clause, or a unique index where the policy allows no rebuild.

    Why: a later revision drops a named constraint by its name and would not find an index under it, and `alembic check`
    reports the index as one that the models do not have.
    """
    if not _distinct(repair_context, fact.table, fact.columns, draft):
        return
    shape = repair_context.expected[fact.table]
    if _conflict(shape, "unique", fact.columns) or repair_context.repair is Repair.FULL:
        draft.edits += _clauses(shape, fact)
        draft.brought.add(fact)
        return
    spelt = repair_context.spelling(fact.table)
    index = f"uq_{spelt}_{'_'.join(fact.columns)}"
    sql = f"CREATE UNIQUE INDEX {name(index)} ON {name(spelt)} ({', '.join(name(column) for column in fact.columns)})"
    draft.later.append(plan.CreateObject("index", index, sql, revision))


def _clauses(shape: Table, fact: UniqueFact | CheckFact | ForeignKeyFact) -> list[table_edits.Edit]:
    """Edits that add a constraint by the chain's own clauses."""
    return [table_edits.AddConstraint(text) for text in constraint_texts(shape, fact)]


def _foreign_keys_again(
    repair_context: RepairContext, table: str, key: ForeignKey, draft: _Draft, gone: frozenset[ForeignKey] = frozenset()
) -> None:
    """Replace all foreign keys of these columns to this parent: first those of the chain, then those it does not have.

    Those that are to be `gone` are left out. Why all together: only the order in the text distinguishes two foreign
    keys of the same columns.
    """
    same = (key.columns, key.parent)
    if same in draft.brought:
        return
    draft.brought.add(same)

    def of(shape: Table) -> list[ForeignKey]:
        return [each for each in shape.foreign_keys if (each.columns, each.parent) == same]

    expected, actual = of(repair_context.expected[table]), of(repair_context.actual[table])
    lacking = len([each for each in expected if each not in actual])
    doomed = _dropped_keys(repair_context, table) | gone
    extra = [
        each
        for each in sorted((each for each in actual if each not in expected), key=repr)[lacking:]
        if each not in doomed
    ]
    draft.edits.append(table_edits.DropForeignKey(key.columns, key.parent))
    for shape, kept in ((repair_context.expected[table], expected), (repair_context.actual[table], extra)):
        for other in sorted(kept, key=repr):
            draft.edits += _clauses(shape, ForeignKeyFact(table, other))


def _dropped_keys(repair_context: RepairContext, table: str) -> frozenset[ForeignKey]:
    """The foreign keys of a table that a [[resolve]] entry says to drop, among those that the chain does not have."""
    found = (fact for fact in table_facts(repair_context.actual[table]) if isinstance(fact, ForeignKeyFact))
    return frozenset(fact.foreign_key for fact in found if drops(Extra(fact), repair_context.resolutions))


def _other_name(repair_context: RepairContext, fact: NameFact, draft: _Draft) -> None:
    """Plan a constraint's name as the chain has it, because later revisions find the constraint by that name."""
    shape, actual = repair_context.expected[fact.table], repair_context.actual[fact.table]
    its_facts = keyed(table_facts(shape))
    its_key = named_constraint(fact, its_facts)
    match its_facts.get(its_key) if its_key else None:
        case PrimaryKeyFact():
            draft.edits.append(table_edits.NamePrimaryKey(fact.names[0]))
        case ForeignKeyFact() as named:
            _foreign_keys_again(repair_context, fact.table, named.foreign_key, draft)
        case UniqueFact() as named:
            _unique_again(shape, actual, named, draft)
        case CheckFact() as named:
            draft.edits.append(table_edits.DropCheck(named.check.expression))
            draft.edits += _clauses(shape, named)
        case _:
            raise AssertionError(fact)


def _unique_again(shape: Table, actual: Table, fact: UniqueFact, draft: _Draft) -> None:
    """Replace a unique constraint by the chain's own clause, with its name and what it does with rows."""
    if fact in draft.brought:
        return
    draft.brought.add(fact)
    if fact.columns in actual.uniques:
        draft.edits.append(table_edits.DropUnique(fact.columns))
    draft.edits += _clauses(shape, fact)


def _other_conflict(repair_context: RepairContext, fact: ConflictFact, draft: _Draft) -> None:
    """Plan that a constraint does with rows what it does in the chain."""
    shape, actual = repair_context.expected[fact.table], repair_context.actual[fact.table]
    kind, columns = fact.conflict.kind, fact.conflict.columns
    if kind == "unique":
        _unique_again(shape, actual, UniqueFact(fact.table, columns), draft)
    else:
        draft.edits.append(table_edits.SetConflict(kind, columns, _conflict(shape, kind, columns)))


def _conflict(shape: Table, kind: str, columns: tuple[str, ...]) -> str:
    """What a constraint of a table does with rows that break it; empty where it aborts."""
    found = (one.action for one in shape.conflicts if (one.kind, one.columns) == (kind, columns))
    return next(found, "").removeprefix("on conflict ")


def _distinct(repair_context: RepairContext, table: str, columns: tuple[str, ...], draft: _Draft) -> bool:
    """Whether the rows allow the columns to be unique; adds a blocker if they do not."""
    found = doubled(repair_context, table, columns)
    if found.count:
        draft.blockers.append(blocked.duplicates(table, columns, found))
    return not found.count


def _missing_check(repair_context: RepairContext, fact: CheckFact, draft: _Draft) -> None:
    if fact.check.expression in draft.brought:
        return
    text = check_text(repair_context.expected[fact.table], fact.check.expression)
    if fact.table in repair_context.actual and all(
        repair_context.column(fact.table, mention) for mention in fact.check.mentions
    ):
        broken = repair_context.ask(Violating(repair_context.spelling(fact.table), text))
        if broken.count:
            column = next(iter(sorted(fact.check.mentions)), "")
            draft.blockers.append(blocked.broken_check(fact.table, column, fact.check.expression, broken))
            return
    draft.edits += _clauses(repair_context.expected[fact.table], fact)


def _primary_key(repair_context: RepairContext, fact: PrimaryKeyFact, draft: _Draft) -> None:
    actual = repair_context.actual[fact.table]
    column = fact.columns[0]
    if fact.rowid_key and not actual.rowid_key and not _can_be_rowid(repair_context, fact.table, column, draft):
        return
    if actual.primary_key != fact.columns and _distinct(repair_context, fact.table, fact.columns, draft):
        draft.edits.append(table_edits.SetPrimaryKey(fact.columns))
        names = (
            constraint_name.name
            for constraint_name in repair_context.expected[fact.table].constraint_names
            if constraint_name.kind == "primary key"
        )
        draft.edits += [table_edits.NamePrimaryKey(each) for each in names]
    if fact.rowid_key and not actual.rowid_key and repair_context.column(fact.table, column) is not None:
        draft.edits.append(table_edits.SetType(column, "INTEGER"))
    if fact.autoincrement and not actual.autoincrement:
        draft.edits.append(table_edits.SetAutoincrement(column))
    wanted = _conflict(repair_context.expected[fact.table], "primary key", ())
    if wanted != (_conflict(actual, "primary key", ()) if actual.primary_key == fact.columns else ""):
        draft.edits.append(table_edits.SetConflict("primary key", (), wanted))


def _can_be_rowid(repair_context: RepairContext, table: str, column: str, draft: _Draft) -> bool:
    """Whether every value of a column is stored as an integer, so that it can become the rowid."""
    if repair_context.column(table, column) is None:
        return True
    others = repair_context.ask(Violating(repair_context.spelling(table), f"typeof({quote(column)}) = 'integer'"))
    if others.count:
        draft.blockers.append(blocked.lost_values(table, column, "INTEGER PRIMARY KEY", others))
    return not others.count


def _other_column(repair_context: RepairContext, table: str, expected: Column, actual: Column, draft: _Draft) -> None:
    shape = repair_context.expected[table]
    if expected.generated != actual.generated:
        draft.blockers.append(blocked.stuck(table, expected.name, "its GENERATED clause differs from the chain's"))
        return
    if storage_class(expected) != storage_class(actual):
        _other_type(repair_context, table, expected, draft)
    if expected.collation != actual.collation:
        draft.edits.append(table_edits.SetCollation(expected.name, expected.collation))
    if expected.default != actual.default:
        drop = expected.default is None
        text = default_text(shape, expected.name)
        draft.edits.append(
            table_edits.DropDefault(expected.name) if drop else table_edits.SetDefault(expected.name, text)
        )
    if actual.not_null and not expected.not_null:
        draft.edits.append(table_edits.DropNotNull(expected.name))
    elif expected.not_null and not actual.not_null:
        _tighten(repair_context, table, expected, draft)


def _other_type(repair_context: RepairContext, table: str, expected: Column, draft: _Draft) -> None:
    strict = repair_context.expected[table].strict
    lost = repair_context.ask(Changing(repair_context.spelling(table), expected.name, expected.declared, strict))
    if lost.count:
        draft.blockers.append(blocked.lost_values(table, expected.name, expected.declared, lost))
    else:
        draft.edits.append(table_edits.SetType(expected.name, type_text(repair_context.expected[table], expected.name)))


def _tighten(repair_context: RepairContext, table: str, expected: Column, draft: _Draft) -> None:
    fill = fill_of(repair_context.resolutions, table, expected.name)
    if fill is not None and fill.nullable:
        return
    value = _expression(fill) if fill else ""
    expression = f"COALESCE({quote(expected.name)}, {value})" if value else quote(expected.name)
    nulls = repair_context.ask(
        NullsOf(repair_context.spelling(table), expression)
        if value
        else NullsIn(repair_context.spelling(table), expected.name)
    )
    if nulls.count:
        shape = repair_context.expected[table]
        draft.blockers.append(
            blocked.null_rows(shape, expected, nulls, of_chain(repair_context.chain, shape, expected))
        )
        return
    draft.edits.append(table_edits.SetNotNull(expected.name))
    if action := _conflict(repair_context.expected[table], "not null", (expected.name,)):
        draft.edits.append(table_edits.SetConflict("not null", (expected.name,), action))
    if value:
        draft.fill[expected.spelling] = expression


def _harmful_extra(repair_context: RepairContext, change: Extra, draft: _Draft) -> None:
    match change.fact:
        case ColumnFact() as fact:
            draft.edits.append(table_edits.DropNotNull(fact.column.name))
        case UniqueFact() as fact if not _referred_to(repair_context, fact):
            draft.edits.append(table_edits.DropUnique(fact.columns))
        case CheckFact() as fact:
            draft.edits.append(table_edits.DropCheck(fact.check.expression))
        case ForeignKeyFact() as fact if _has_another(repair_context, fact):
            gone = frozenset({fact.foreign_key} if change.harmful else ())
            _foreign_keys_again(repair_context, fact.table, fact.foreign_key, draft, gone)
        case ForeignKeyFact() as fact if change.harmful:
            draft.edits.append(table_edits.DropForeignKey(fact.foreign_key.columns, fact.foreign_key.parent))
        case ForeignKeyFact() as fact:
            _foreign_keys_again(repair_context, fact.table, fact.foreign_key, draft)
        case PrimaryKeyFact() | UniqueFact() as fact:
            why = change.harmful or "a foreign key refers to it"
            draft.blockers.append(blocked.stuck(fact.table, fact.columns[0], f"{why}, so it cannot be dropped"))
        case _:
            raise AssertionError(change)


def _has_another(repair_context: RepairContext, fact: ForeignKeyFact) -> bool:
    """Whether the chain has a foreign key of the same columns to the same parent."""
    mine = fact.foreign_key
    expected = repair_context.expected[fact.table].foreign_keys if fact.table in repair_context.expected else ()
    return any((key.columns, key.parent) == (mine.columns, mine.parent) for key in expected)


def _referred_to(repair_context: RepairContext, fact: UniqueFact) -> bool:
    keys = (key for table in repair_context.actual.values() for key in table.foreign_keys if key.parent == fact.table)
    return any(tuple(sorted(key.parent_columns)) == fact.columns for key in keys)


def _assembled(repair_context: RepairContext, table: str, revision: str, draft: _Draft) -> plan.Work:
    """The steps of a draft: ALTER TABLE where that is enough, else one rebuild for all changes of the table."""
    blockers = blocked.agreed(draft.blockers)
    if not draft.edits or blockers:
        return plan.Work((*draft.native, *draft.later), blockers)
    added = [table_edits.AddColumn(add_column.definition) for add_column in draft.native]
    edits = (*added, *draft.edits)
    rebuild = plan.RebuildTable(repair_context.spelling(table), edits, tuple(draft.fill.items()), revision=revision)
    if repair_context.repair is not Repair.FULL:
        return plan.Work((), (blocked.forbidden(fold(table), plan.headline(rebuild)),))
    try:
        sql = edit.edit_table(repair_context.actual[table].sql, edits) if table in repair_context.actual else ""
    except (EditImpossibleError, UnreadableSqlError) as error:
        return plan.Work((), (blocked.stuck(table, "", str(error)),))
    whole = plan.RebuildTable(rebuild.table, edits, rebuild.fill, sql, revision)
    return plan.Work((whole, *draft.later))
