"""Blocks plans that cannot succeed: by the rows that are there, and by a trial on a copy of the definitions.

It is not tried if the database only has tables of its own beside the chain's: the chain then does what it did in the
replay.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.names import BATCH_COPY, fold, quote
from architect_migrate.core.secrets import mask
from architect_migrate.core.text import shortlist
from architect_migrate.databases.registry import about, access, dialect, kind_of, reader
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.resolutions import entry
from architect_migrate.model.diff import Extra
from architect_migrate.model.environment import Repair
from architect_migrate.model.facts import IndexFact, ObjectFact, TriggerFact, ViewFact, table_of
from architect_migrate.model.history import names_ever, reference, replays, snapshots
from architect_migrate.model.schema import Schema
from architect_migrate.planning.plan import RunDowngrade, RunOutside, RunRevision, Stamp, SyncTracker
from architect_migrate.planning.results import Outcome
from architect_migrate.revisions.replay import recall_result, remember_result
from architect_migrate.revisions.sandbox import run_sandboxed
from architect_migrate.runs.column_order import COLUMN_ORDER, added_out_of_place
from architect_migrate.runs.commit_proof import unlike_the_chain
from architect_migrate.runs.own_triggers import blockers as refused_triggers
from architect_migrate.runs.own_triggers import judged
from architect_migrate.runs.steps import is_recorded, runs_the_chain
from architect_migrate.runs.trial import RESULT, Tried, in_full, job_of, try_here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.diff import Change
    from architect_migrate.model.history import History, Replayed
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Result, Survey
    from architect_migrate.revisions.replay import Source
    from architect_migrate.runs.trial import Job

CANNOT_SUCCEED = "cannot-succeed"
# The collations that every connection has.
_OF_SQLITE = frozenset({"binary", "nocase", "rtrim"})
# What code does to the transaction past SQLAlchemy; what it rolls back by any means, a recording does not show.
_ENDS = frozenset({"commit", "run BEGIN", "run COMMIT", "run END"})
_ROLLS_BACK = frozenset({"roll back", "run ROLLBACK"})
# Characters of the last words of a process that died.
_LAST = 300


def as_foreseen(context: EnvironmentContext, result: Result) -> Result:
    """Return a preview's result, blocked if its plan would fail or would not leave what the chain makes."""
    plan, seen = result.plan, result.survey
    if plan is None or seen is None or plan.blockers:
        return result
    found = (*_apart(context, plan, seen.schema), *_unread(context, plan, seen.schema))
    found += tuple(added_out_of_place(context.history, plan, seen.schema)) if seen.schema else ()
    if seen.exists:
        found += _found_in_rows(context, plan, seen.schema)
    if seen.exists and not any(each.level is Level.BLOCKING for each in found):
        found += _tried(context, plan, seen)
    blockers = tuple(each for each in found if each.level is Level.BLOCKING)
    told = tuple(f"{each.subject}: {each.found}; {each.advice}" for each in found if each.level is Level.WARNING)
    result = replace(result, warnings=(*result.warnings, *told)) if told else result
    if not blockers:
        return result
    plan = replace(plan, blockers=blockers)
    return replace(result, plan=plan, outcome=Outcome.BLOCKED, detail=plan.in_the_way)


def _tried(context: EnvironmentContext, plan: Plan, seen: Survey) -> tuple[Finding, ...]:
    """Return what a trial finds; nothing where the chain will do what it did in the replay."""
    if _is_to_be_tried(context.history, plan, seen) or _sets_off_triggers(context, plan):
        # Why suppressed: a copy cannot be made, so what the run will meet is not known; it is proven when it runs.
        with suppress(ArchmigError):
            return _found_by_trial(context, plan, seen.schema or Schema(), seen.claims.stamp or ())
    return ()


def _apart(context: EnvironmentContext, plan: Plan, schema: Schema | None) -> Iterator[Finding]:
    """Yield a finding for each revision that would leave the transaction of the run, or has an autocommit_block.

    Where nothing is there, and a recording builds the database, no code of a revision runs.
    """
    yield from _not_called(context, plan)
    runs = schema is not None or bool(plan.before) or not is_recorded(plan, context.history)
    for step in (step for step in plan.steps if isinstance(step, RunRevision)):
        revision, replayed = step.revision, replays(context.history)[step.revision]
        if replayed.refused and (runs or replayed.refused in _ROLLS_BACK):
            at = f" ({replayed.refused_at})" if replayed.refused_at else ""
            found = f"{revision} would fail: it would {replayed.refused} inside the transaction of the run{at}"
            yield Finding(Level.BLOCKING, CANNOT_SUCCEED, revision, found, _taken_out(revision, replayed), revision)
        elif replayed.refused:
            found = f"it would {replayed.refused}, which is left out"
            yield Finding(Level.WARNING, "left-out", revision, found, "that can be run by hand afterwards")
        elif replayed.apart and not isinstance(step, RunOutside):
            found = "its autocommit_block runs inside the transaction of the whole run"
            advice = about(kind_of(context.environment.url)).INSIDE
            yield Finding(Level.WARNING, "autocommit", revision, found, advice)
        elif replayed.commits:
            found = f"its commit does nothing ({replayed.commits})"
            yield Finding(Level.WARNING, "commit", revision, found, "archmig commits the whole run, after its proof")


def _not_called(context: EnvironmentContext, plan: Plan) -> Iterator[Finding]:
    """Yield a finding for the callbacks of env.py that Alembic would call for each revision of the plan."""
    if context.graph.callbacks and any(isinstance(step, RunRevision | RunDowngrade) for step in plan.steps):
        found = f"its on_version_apply callback is not called: {shortlist(context.graph.callbacks, 3)}"
        yield Finding(Level.WARNING, "not-called", "env.py", found, "what it does for a revision can be done by hand")


def _taken_out(revision: str, replayed: Replayed) -> str:
    if replayed.refused in _ENDS or replayed.refused in _ROLLS_BACK:
        return f"take it out of {revision}: archmig commits the whole run after its proof, or rolls it back"
    return f"take it out of {revision}; it can be run by hand afterwards"


def _unread(context: EnvironmentContext, plan: Plan, schema: Schema | None) -> Iterator[Finding]:
    """Yield a finding for each table whose rows are sorted by a collation of env.py: no proof could read it."""
    history = context.history
    tables = (*(schema or reference(history, plan.before)).tables, *reference(history, plan.after).tables)
    for table in {each.name: each for each in tables if each.without_rowid}.values():
        sorts = {column.collation for column in table.columns if column.name in table.primary_key} - _OF_SQLITE
        if sorts:
            subject = f"table {table.spelling or table.name}"
            by = shortlist(sorted(sorts), 3)
            found = f"its key is sorted by {by}, which SQLite does not have, so it cannot be proven"
            advice = "declare its key without that collation, or the table with a rowid"
            yield Finding(Level.BLOCKING, CANNOT_SUCCEED, subject, found, advice)


def _found_in_rows(context: EnvironmentContext, plan: Plan, schema: Schema | None) -> tuple[Finding, ...]:
    """The findings about rows; `schema` is None where the database has exactly the chain's."""
    if schema is None and not plan.before:  # nothing is there
        return ()
    url, timeout = context.environment.url, context.environment.policies.lock_timeout
    there = schema or reference(context.history, plan.before)
    with access.reading(url, timeout) as connection:
        return reader.found_in_rows(connection, context.history, plan, there)


def _is_to_be_tried(history: History, plan: Plan, seen: Survey) -> bool:
    if all(isinstance(step, Stamp | SyncTracker) for step in plan.steps):
        return False
    if any(isinstance(step, RunDowngrade) for step in plan.steps) or seen.diagnosis is None or seen.schema is None:
        return False
    return any(_meets_the_chain(change, history) for change in seen.diagnosis.changes)


def _sets_off_triggers(context: EnvironmentContext, plan: Plan) -> bool:
    """Return whether the stamp or the tracker is written, and has a trigger: no schema shows one of these."""
    if not any(isinstance(step, Stamp | SyncTracker) for step in plan.steps):
        return False
    url, timeout = context.environment.url, context.environment.policies.lock_timeout
    with access.reading(url, timeout) as connection:
        return reader.has_triggers(connection, context.hidden(context.graph.version_table))


def _meets_the_chain(change: Change, history: History) -> bool:
    """Return whether a difference concerns a name that the chain uses, or an object that may read one."""
    if not isinstance(change, Extra) or isinstance(change.fact, TriggerFact | ViewFact | ObjectFact):
        return True
    names = {table_of(change.fact)} | ({change.fact.index.name} if isinstance(change.fact, IndexFact) else set())
    return not names.isdisjoint(_names(history))


@lru_cache(maxsize=8)
def _names(history: History) -> frozenset[str]:
    """Return the names of all objects that revisions create, temporary ones included, alter or drop."""
    found: set[str] = set()
    for schema in snapshots(history).values():
        found |= {fold(name) for _, name in _objects(schema)}
    found |= {f"{BATCH_COPY}{name}" for name in found}
    statements = (statement for replayed in history.replayed for statement in replayed.statements)
    found.update(*(dialect.words_of(each.text) for each in statements if each.verb in {"drop", "alter"}))
    return frozenset(found | {passing.name for replayed in history.replayed for passing in replayed.passing})


def _stamping(context: EnvironmentContext, plan: Plan, old: tuple[str, ...]) -> Iterator[str]:
    """The statements that turn a stamp into the one of a plan (see `write_stamp`)."""
    table = quote(context.graph.version_table)
    for step in plan.steps:
        if isinstance(step, Stamp):
            gone, new = len({*old} - {*step.revisions}), len({*step.revisions} - {*old})
            yield from [f"UPDATE {table} SET version_num = version_num"] if gone and new else []
            yield from [f"DELETE FROM {table} WHERE version_num = ''"] if gone > new else []
            yield from [f"INSERT INTO {table} (version_num) VALUES ('')"] if new > gone else []


def _found_by_trial(
    context: EnvironmentContext, plan: Plan, schema: Schema, stamp: tuple[str, ...]
) -> tuple[Finding, ...]:
    url, timeout = context.environment.url, context.environment.policies.lock_timeout
    with access.reading(url, timeout) as connection:
        definitions = reader.definitions_of(connection)
        watched = reader.has_triggers(connection, context.hidden(context.graph.version_table))
        # A database without a stamp has no table for it, and no trigger there.
        stamped = reader.has_triggers(connection, [context.graph.version_table])
    stamping = (tuple(_stamping(context, plan, stamp)) if stamped else ()) if watched else None
    hidden = tuple(context.hidden(context.graph.version_table))
    job = job_of(context.config, plan, definitions, stamping, hidden)
    history = context.history
    tried = _remembered(context.source, job) if runs_the_chain(plan) else try_here(in_full(job, history), history)
    if tried.halted:
        found = f"it could not be tried on a copy: {tried.halted}"
        return (Finding(Level.WARNING, "not-tried", "plan", found, "it is proven when it runs"),)
    if tried.step:
        return (_failing(context, schema, tried),)
    if tried.left is None:
        return ()
    if refused := judged(context, tried.triggered, tried.changed).refused:
        return refused_triggers(refused)
    problems = unlike_the_chain(context, plan, tried.left)
    if not problems:
        return ()
    found = f"it would not leave what the chain makes: {shortlist(problems, 3)}"
    return (Finding(Level.BLOCKING, CANNOT_SUCCEED, "plan", found, "change that by hand, then plan again"),)


def _remembered(source: Source, job: Job) -> Tried:
    """Return the remembered result of this trial, else try now. Databases of one fleet share definitions and plan."""
    text = codec.dump((codec.dump(job), source.fingerprint, source.excluded))
    result = f"trial-{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"
    if (found := recall_result(source.cache, source.chain, result, "trial")) is not None:
        known: Tried = codec.load(found, RESULT)
        return known
    tried, reads = _in_a_process(source.history, in_full(job, source.history))
    if tried != Tried() and not tried.halted:
        remember_result(source.cache, source.chain, result, reads, {"trial": codec.dump(tried)})
    return tried


def _in_a_process(history: History, job: Job) -> tuple[Tried, str]:
    """Try a plan in a process that reaches only its own folder; return also what it read, as its Watch wrote it.

    Of a process that died the result says only that.
    """
    with tempfile.TemporaryDirectory(prefix="archmig-trial-") as name:
        folder = Path(name)
        for part, text in {"job": codec.dump(job), **_texts(history)}.items():
            (folder / part).write_text(text, encoding="utf-8")
        done = run_sandboxed("runs.trial_process", job.chain.root, folder, name)
        if not (folder / "reads").exists():
            last = mask(" ".join(done.stderr.split()))[-_LAST:]
            return Tried(halted=last or f"its process ended with code {done.returncode}"), ""
        tried: Tried = codec.load((folder / "tried").read_text(encoding="utf-8"), RESULT)
        return tried, (folder / "reads").read_text(encoding="utf-8")


@lru_cache(maxsize=2)
def _texts(history: History) -> dict[str, str]:
    """Return a chain as the process of a trial reads it; it is the same for all databases of a run."""
    return {"outline": codec.dump(history.graph), "steps": codec.dump(history.replayed)}


def _failing(context: EnvironmentContext, schema: Schema, tried: Tried) -> Finding:
    """Return the blocker for a step that fails; its subject is the object that the error names, if there is one."""
    if tried.disordered:
        subject, found = f"table {tried.disordered}", f"{tried.revision} would take one column for another"
        return Finding(Level.BLOCKING, COLUMN_ORDER, subject, f"{found}: {tried.cause}", tried.advice, tried.revision)
    who = tried.revision or f"could not {tried.step}"
    found = f"{who} would fail: {tried.cause}" if tried.revision else f"{who}: {tried.cause}"
    named = _named_in(tried.cause, schema)
    subject = f"{named[0]} {named[1]}" if named else tried.revision or tried.step
    settles = _letting_go(context.history, schema, tried.lost)
    if settles:
        subject = tried.lost[0]
        advice = f"carry it over in {tried.revision}, or let it go: add this to environments.toml"
    elif named and "already" in tried.cause:
        advice = f"give {subject} another name by hand, or drop it, then plan again"
        if named[0] != "table":
            advice = f"give {subject} another name by hand, or let reconcile drop it: add this to environments.toml"
            settles = _dropped_by_entry(*named)
    elif named and named[0] == "view" and fold(named[1]) not in names_ever(context.history).views:
        advice = f"drop {subject} by hand, or let reconcile drop it, and make it again afterwards as it can be then"
        settles = _dropped_by_entry(*named)
    elif named:
        advice = f"drop {subject} by hand, and make it again afterwards as it can be then"
    elif "o such constraint" in tried.cause and context.environment.policies.repair is not Repair.FULL:
        advice = 'set repair = "full" for it and run archmig reconcile, which gives constraints their names'
    else:
        advice = "change that by hand, then plan again"
    return Finding(Level.BLOCKING, CANNOT_SUCCEED, subject, found, advice, tried.revision, settles)


def _dropped_by_entry(kind: str, name: str) -> str:
    return f"[[resolve]]\n{kind} = {json.dumps(name)}\ndrop = true"


def _letting_go(history: History, schema: Schema, lost: tuple[str, ...]) -> str:
    """Return the entries that drop what only the database has; empty where something else is among it."""
    ever = names_ever(history)
    own = {
        fold(f"column {table.name}.{column.name}"): entry(table.spelling, column.spelling, "drop = true")
        for table in schema.tables
        for column in table.columns
        if (table.name, column.name) not in ever.columns
    }
    for kind, name, spelling in (
        *(("index", each.name, each.spelling) for each in schema.indexes if each.name not in ever.indexes),
        *(("trigger", each.name, each.spelling) for each in schema.triggers if each.name not in ever.triggers),
    ):
        own[fold(f"{kind} {name}")] = _dropped_by_entry(kind, spelling)
    return "\n\n".join(own[fold(each)] for each in lost) if {*map(fold, lost)} <= own.keys() else ""


def _named_in(cause: str, schema: Schema) -> tuple[str, str] | None:
    """Return kind and name of the object that an error names."""
    said = f" {cause.replace(':', ' ')} "
    found = [each for each in _objects(schema) if any(f" {words} " in said for words in _ways(*each))]
    return max(found, key=lambda each: len(each[1]), default=None)


def _objects(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield the kind of every object and its name, as it is spelt."""
    yield from (("table", table.spelling or table.name) for table in schema.tables)
    yield from (("index", index.spelling or index.name) for index in schema.indexes)
    yield from (("view", view.spelling or view.name) for view in schema.views)
    yield from (("trigger", trigger.spelling or trigger.name) for trigger in schema.triggers)


def _ways(kind: str, name: str) -> tuple[str, str, str]:
    """Return the ways in which SQLite names an object in an error."""
    return f"{kind} {name}", f"{kind} named {name}", f"{kind} {quote(name)}"
