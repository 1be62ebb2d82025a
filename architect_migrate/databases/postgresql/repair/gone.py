"""Plans what a [[resolve]] entry tells to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.databases.postgresql.repair.objects import drop_statement
from architect_migrate.databases.postgresql.repair.stuck import parts
from architect_migrate.databases.postgresql.repair.world import start_of
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.diff import change_key
from architect_migrate.model.facts import ColumnFact, IndexFact, ObjectFact, TableFact, TriggerFact, ViewFact
from architect_migrate.planning.plan import DropColumn, DropObject, Work

if TYPE_CHECKING:
    from architect_migrate.databases.postgresql.repair.world import World
    from architect_migrate.model.diff import Extra

# What goes with a table or a column without a word, because it is a part of it.
_PARTS = frozenset({"constraint", "default", "index", "policy", "rule", "statistics", "trigger"})


def dropped(world: World, change: Extra) -> Work:
    """The step that drops what an entry says to drop, or what needs it; no step for anything else."""
    fact = change.fact
    step: DropColumn | DropObject
    match fact:
        case ColumnFact():
            name, table = fact.column.name, fact.table
            sql = f"ALTER TABLE {quote(table)} DROP COLUMN {quote(name)}"
            start, shown = Start("column", table, name), f"column {table}.{name}"
            step = DropColumn(table, name, sql=sql)
        case TableFact(table=table):
            word = "FOREIGN TABLE" if getattr(fact.detail, "server", "") else "TABLE"
            step = DropObject("table", table, sql=f"DROP {word} {quote(table)}")
            start, shown = Start("relation", table), f"table {table}"
        case IndexFact() | TriggerFact() | ViewFact() | ObjectFact():
            kind, name = parts(fact)
            sql = drop_statement(fact)
            start, shown = start_of(fact), f"{kind} {name}"
            step = DropObject(kind, name, sql=sql)
            if not sql:
                return Work((), (_needed(shown, "archmig knows no statement that drops it"),))
        case _:
            return Work()
    own = getattr(fact, "table", "")
    users = [each for each in world.context.in_the_way([start]) if not _goes_along(each.key, own)]
    if users:
        return Work((), (_needed(shown, f"{', '.join(each.shown for each in users)} needs it"),))
    world.gone.add(change_key(change))
    return Work((step,))


def _goes_along(key: tuple[str, ...], table: str) -> bool:
    """Whether a dependant is a part of a table: by its key, or by the name of the table before its own."""
    if key[0] not in _PARTS:
        return False
    if key[0] in {"constraint", "default"}:
        return key[1] == table
    return key[0] in {"index", "statistics"} or key[1].startswith(f"{table}.")


def _needed(shown: str, why: str) -> Finding:
    return Finding(Level.BLOCKING, "blocked-drop", shown, why, "drop that first by hand, or take the entry out")
