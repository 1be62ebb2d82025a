"""Upgrade and downgrade: the chain run natively, on databases that are where they claim to be and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.database import file_of, reading
from architect_migrate.facts import ColumnFact, TableFact
from architect_migrate.findings import Finding, Level
from architect_migrate.history import effects, facts_at
from architect_migrate.outline import heads, position_at
from architect_migrate.plan import Plan, RunDowngrade, RunRevision, Stamp
from architect_migrate.planning import Prepared
from architect_migrate.reconcile import blank, carry_out, from_nothing, planned, refused
from architect_migrate.results import Loss, Outcome, Result, State, Survey
from architect_migrate.sqlite_text import quote
from architect_migrate.survey import look, survey

if TYPE_CHECKING:
    import sqlite3

    from architect_migrate.reconcile import Prepare, Progress
    from architect_migrate.setting import Setting


def preview_upgrade(setting: Setting, target: str | None = None) -> Result:
    """What `upgrade` would do; BLOCKED on a database that is not where it claims to be."""
    result = blank(setting, "upgrade")
    seen = survey(setting, target)
    if seen.state is State.AT_TARGET:
        return replace(result, survey=seen, detail="at its target")
    if refusal := refused(setting, seen):
        return replace(result, survey=seen, outcome=refusal[0], detail=refusal[1])
    if seen.state is State.PENDING:
        return planned(result, Prepared(seen, _up(setting, seen, target)))
    if seen.schema is None:
        return replace(result, survey=seen, outcome=Outcome.PLANNED, plan=from_nothing(setting, target))
    if seen.state is State.UNINITIALISED:
        return planned(result, Prepared(seen, _up(setting, seen, target)))
    return planned(result, Prepared(seen, _not_where_it_claims(seen)))


def upgrade(setting: Setting, shown: Plan, progress: Progress, target: str | None = None) -> Result:
    """Run the pending revisions that `preview_upgrade` showed. Raises as `reconcile` does."""
    return carry_out(setting, "upgrade", shown, progress, _upgrading(target))


def preview_downgrade(setting: Setting, target: str) -> Result:
    """What `downgrade` would do, with the rows that would be lost; BLOCKED as an upgrade is."""
    result = blank(setting, "downgrade")
    seen = survey(setting, target)
    if seen.state in {State.MISSING, State.UNINITIALISED}:
        return replace(result, survey=seen, detail="nothing of the chain is in it")
    if seen.state in {State.DRIFTED, State.REFUSED}:
        return planned(result, Prepared(seen, _not_where_it_claims(seen)))
    plan = _down(setting, seen, target)
    result = planned(result, Prepared(seen, plan))
    with reading(file_of(setting.environment.url), setting.environment.lock_timeout) as connection:
        return replace(result, losses=_losses(setting, plan, connection))


def downgrade(setting: Setting, shown: Plan, progress: Progress, target: str) -> Result:
    """Take back the revisions that `preview_downgrade` showed. Raises as `reconcile` does."""
    return carry_out(setting, "downgrade", shown, progress, _downgrading(target))


def _upgrading(target: str | None) -> Prepare:
    def make(setting: Setting, connection: sqlite3.Connection) -> Prepared:
        seen = look(setting, connection, _wanted(setting, target))
        drifted = seen.state in {State.DRIFTED, State.REFUSED}
        return Prepared(seen, _not_where_it_claims(seen) if drifted else _up(setting, seen, target))

    return make


def _downgrading(target: str) -> Prepare:
    def make(setting: Setting, connection: sqlite3.Connection) -> Prepared:
        seen = look(setting, connection, _wanted(setting, target))
        drifted = seen.state in {State.DRIFTED, State.REFUSED}
        return Prepared(seen, _not_where_it_claims(seen) if drifted else _down(setting, seen, target))

    return make


def _wanted(setting: Setting, target: str | None) -> frozenset[str]:
    return position_at(setting.outline(), target or setting.environment.target)


def _up(setting: Setting, seen: Survey, target: str | None) -> Plan:
    after = seen.position | _wanted(setting, target)
    steps = tuple(RunRevision(it) for it in seen.pending)
    stamp = (Stamp(heads(setting.outline(), after)),) if steps else ()
    return Plan((*steps, *stamp), (), seen.kept, seen.position, after)


def _down(setting: Setting, seen: Survey, target: str) -> Plan:
    outline = setting.outline()
    after = seen.position & _wanted(setting, target)
    steps = tuple(RunDowngrade(it) for it in reversed(outline.order) if it in seen.position - after)
    stamp = (Stamp(heads(outline, after)),) if steps else ()
    return Plan((*steps, *stamp), (), seen.kept, seen.position, after)


def _not_where_it_claims(seen: Survey) -> Plan:
    """A plan that says only why the chain cannot simply be run here."""
    stops = tuple(it for it in seen.findings if it.level is Level.BLOCKING)
    serious = seen.drift.get("breaking", 0) + seen.drift.get("behavioural", 0)
    stamp = "no stamp" if seen.claims.stamp is None else f"stamp {', '.join(seen.claims.stamp) or 'base'}"
    drift = Finding(
        Level.BLOCKING,
        "not-where-it-claims",
        stamp,
        f"{serious} differences from the chain matter" if serious else "the schema shows another position",
        "run archmig reconcile first: it reads what is there, repairs it and stamps it",
    )
    return Plan((), stops or (drift,), (), seen.position, seen.position)


def _losses(setting: Setting, plan: Plan, connection: sqlite3.Connection) -> tuple[Loss, ...]:
    """The rows of tables, and the values of columns, that taking these revisions back removes."""
    undone = {it.revision for it in plan.steps if isinstance(it, RunDowngrade)}
    left = facts_at(setting.history(), plan.after)
    found: dict[str, int] = {}
    for revision, its in effects(setting.history()).items():
        for fact in its.added.values() if revision in undone else ():
            match fact:
                case TableFact() if ("table", fact.table) not in left:
                    sql = f"SELECT count(*) FROM {quote(fact.table)}"
                    found[f"table {fact.table}"] = connection.execute(sql).fetchone()[0]
                case ColumnFact() if ("column", fact.table, fact.column.name) not in left:
                    if ("table", fact.table) in left:
                        sql = f"SELECT count({quote(fact.column.name)}) FROM {quote(fact.table)}"
                        found[f"column {fact.table}.{fact.column.name}"] = connection.execute(sql).fetchone()[0]
                case _:
                    pass
    return tuple(Loss(subject, rows) for subject, rows in found.items() if rows)
