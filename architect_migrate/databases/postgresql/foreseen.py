"""Names that a database has and that pending revisions give to something of theirs, so that they would fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.on_the_way import named
from architect_migrate.databases.postgresql.statements import names_in
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.history import effects, replays
from architect_migrate.planning.plan import AlterObject, DropColumn, DropObject, RenameColumn, RenameTable, RunRevision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.postgresql.pinned import Connection
    from architect_migrate.model.history import History, Replayed
    from architect_migrate.model.schema import Key, Schema
    from architect_migrate.planning.plan import Plan, Step

# The kinds of which no two have the same name: a table, and what is like one, has a type of its name.
_RELATIONS = frozenset({"table", "view", "materialized view", "sequence", "index"})
_TYPES = frozenset({"table", "view", "materialized view", "type", "domain"})


def found_in_rows(connection: Connection, history: History, plan: Plan, _there: Schema) -> tuple[Finding, ...]:
    """Return the names that are taken; a statement that rows make fail is rolled back with the whole run."""
    revisions = [step.revision for step in plan.steps if isinstance(step, RunRevision)]
    names = {word for each in revisions for _, *words in _given(history, each) for word in words}
    there = named(connection, names)
    found: list[Finding] = []
    for step in plan.steps:
        if isinstance(step, RunRevision):
            found += _taken(history, step.revision, there)
        there -= {*_gone(history, step)}
    return tuple(found)


def _given(history: History, revision: str) -> frozenset[Key]:
    """What a revision makes under a name that the chain does not have before: to stay, or on its way."""
    its = effects(history)[revision]
    lasting = frozenset(each for each in its.added.keys() - its.removed.keys() if each[0] in _RELATIONS | _TYPES)
    found = lasting | replays(history)[revision].on_the_way
    return frozenset(each for each in found if each[0] != "column" or ("table", each[1]) not in found)


def _gone(history: History, step: Step) -> Iterator[Key]:
    """Yield what is not there any more after a step."""
    match step:
        case RunRevision():
            yield from effects(history)[step.revision].removed
        case DropObject():
            yield step.kind, step.name
        case DropColumn() | RenameColumn():
            yield "column", step.table, step.column
        case AlterObject(changes=(change, *_)) if change.startswith("rename to "):
            yield step.kind, step.name
        case RenameTable():
            yield "table", step.table
        case _:
            pass


def _taken(history: History, revision: str, there: frozenset[Key]) -> Iterator[Finding]:
    replayed = replays(history)[revision]
    theirs = there - effects(history)[revision].removed.keys()
    for its_key in sorted(_given(history, revision)):
        passes = its_key in replayed.on_the_way
        others = [each for each in theirs if _excludes(its_key, each) or (passes and each == its_key)]
        # A run that takes away a table or a column of the application's own does not pass its proof.
        if others and (others[0][0] in {"table", "column"} or not _is_optional(replayed, its_key[-1])):
            told = f"{revision} makes a {its_key[0]} of this name{' on its way' * passes}, and would fail"
            left = f"if an interrupted run of {revision} left it, finish or undo that by hand; else "
            advice = f"{left * passes}give it another name, or drop it where nothing needs it"
            subject = f"{others[0][0]} {'.'.join(others[0][1:])}"
            yield Finding(Level.BLOCKING, "name-taken", subject, told, advice, revision)


def _excludes(one: Key, other: Key) -> bool:
    """Whether two things of different kinds cannot both be there."""
    kinds = {one[0], other[0]}
    return one[1:] == other[1:] and len(kinds) > 1 and (kinds <= _RELATIONS or kinds <= _TYPES)


def _is_optional(replayed: Replayed, name: str) -> bool:
    """Whether the first statement that names something drops or makes it only where that is due."""
    first = next((names_in(each.text) for each in replayed.statements if name in names_in(each.text)), frozenset[str]())
    return {"if", "exists"} <= first
