"""A hotfix made a revision: what one database has more than the chain, and the proof that the revision is just that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.authoring.hotfix_statements import Promotion, left_out, promotion
from architect_migrate.core.chain_errors import NewRevisionError, ReplayError
from architect_migrate.core.errors import nearest, shortened
from architect_migrate.databases import access
from architect_migrate.databases.questions import count_rows
from architect_migrate.databases.sqlite.compile_check import rename_refusals
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.model.facts import ForeignKeyFact, IndexFact, TriggerFact, ViewFact, describe, facts, key
from architect_migrate.model.history import apply, effects, recorded_sql, reference
from architect_migrate.model.revision_graph import ancestry
from architect_migrate.revisions.replay import replay_draft
from architect_migrate.runs.survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.facts import Fact
    from architect_migrate.model.history import History, Replayed
    from architect_migrate.model.schema import Key

_NOTHING = "nothing was written"


@dataclass(frozen=True, slots=True)
class Hotfix:
    """What a database has more than its chain; `rows` of the tables that come as a whole are not brought along."""

    environment: str
    promotion: Promotion
    rows: tuple[tuple[str, int], ...]


def hotfix_of(context: EnvironmentContext, names: tuple[str, ...]) -> Hotfix:
    """What the environment's database has more than the chain as that environment has it, read in one moment.

    Raises as `reading`, and NewRevisionError where a name means nothing of that, or nothing is left to bring.
    """
    history, environment = context.history, context.environment
    with access.reading(environment.url, environment.policies.lock_timeout) as connection:
        actual = read_schema(connection, context.hidden(history.graph.version_table))
        found = promotion(reference(history, frozenset(history.graph.order)), actual, names, _ever_made(history))
        rows = tuple((table, count_rows(connection, table)) for table in found.tables)
    if found.unknown:
        hint = nearest(found.unknown[0], found.names) or "it has nothing more than the chain"
        problem = f"it has no {shortened(found.unknown[0])} that the chain does not make just so"
        raise NewRevisionError(environment.name, problem, f"{hint}; {_NOTHING}")
    if not found.upgrade:
        raise NewRevisionError(environment.name, _nothing_to_bring(found), _NOTHING)
    _refuse_what_is_behind(context, found, _ever_made(history))
    return Hotfix(environment.name, found, tuple(row for row in rows if row[1]))


def _refuse_what_is_behind(context: EnvironmentContext, found: Promotion, once: frozenset[Key]) -> None:
    """Raise where the chain will yet take away what was named: the database has that because it is behind."""
    replaced = {key(fact) for fact in found.replaced}
    old = [fact for fact in found.brought if key(fact) in once - replaced]
    if old and survey(context).pending:
        name = context.environment.name
        problem = f"it has {describe(old[0])} because it is behind, and a pending revision takes it away"
        raise NewRevisionError(name, problem, f"archmig upgrade -e {name} first; {_NOTHING}")


def _ever_made(history: History) -> frozenset[Key]:
    return frozenset(its_key for effect in effects(history).values() for its_key in effect.added)


def _nothing_to_bring(found: Promotion) -> str:
    if not found.left:
        return "it has nothing that the chain does not make"
    return f"there is nothing in it that could be brought: {'; '.join(left_out(found.left, 3))}"


def prove(ini: Path, folder: Path, revision: str, wanted: Promotion) -> None:
    """Run the chain with the revision that lies in `folder` on a scratch database, and the revision back again.

    Raises NewRevisionError unless it makes exactly what is wanted, to the letter, and leaves nothing when taken back.
    """
    try:
        history, back = replay_draft(ini, folder)
    except ReplayError as error:
        raise NewRevisionError(error.revision or str(ini), error.cause, f"{_NOTHING}: {_depends(wanted)}") from error
    problems = [
        *_made_otherwise(history, revision, wanted),
        *_not_taken_back(history, revision, back),
        *_broken(history, revision),
        *_orphaned(history, revision, wanted),
    ]
    if problems:
        advice = f"{_NOTHING}: name what belongs together with --object, or write it by hand"
        raise NewRevisionError(revision, problems[0], advice)


def _depends(wanted: Promotion) -> str:
    return "something that it needs is not in the chain; name that too" if wanted.left else "correct the chain first"


def _made_otherwise(history: History, revision: str, wanted: Promotion) -> Iterator[str]:
    """What the revision makes otherwise than the database has it, or makes beside what was wanted."""
    schema = reference(history, ancestry(history.graph, [revision]))
    made, texts = facts(schema), {table.spelling: table.sql for table in schema.tables}
    for name in wanted.tables:
        if texts.get(name) not in wanted.upgrade:
            yield f"it would make table {name} by another text than the database stores"
    for fact in wanted.brought:
        its = made.get(key(fact))
        if its != fact:
            yield f"it would not make {describe(fact)} as the database has it"
        elif _text(its) != _text(fact):
            yield f"it would make {describe(fact)} by another text than the database stores"
    expected = {key(fact) for fact in wanted.brought}
    does = effects(history)[revision]
    more = [fact for its_key, fact in does.added.items() if its_key not in expected]
    less = [fact for its_key, fact in does.removed.items() if its_key not in {key(each) for each in wanted.replaced}]
    yield from (f"it would also make {describe(each)}" for each in more)
    yield from (f"it would take away {describe(word)}" for word in less)


def _text(fact: Fact) -> str:
    """The text that is stored for an object of its own."""
    match fact:
        case IndexFact():
            return fact.index.sql
        case TriggerFact():
            return fact.trigger.sql
        case ViewFact():
            return fact.view.sql
        case _:
            return ""


def _not_taken_back(history: History, revision: str, back: Replayed) -> Iterator[str]:
    """What is otherwise than before once the revision has been taken back."""
    everything = frozenset(history.graph.order)
    before = facts(reference(history, everything - {revision}))
    after = facts(apply(reference(history, everything), back.delta))
    changed = [one for one in before.keys() | after.keys() if before.get(one) != after.get(one)]
    for its_key in sorted(changed):
        yield f"taken back, {describe(before.get(its_key) or after[its_key])} would not be as it was"


def _broken(history: History, revision: str) -> Iterator[str]:
    """What SQLite says of views and triggers that reach for something which is not there, if it said nothing before."""
    statements = recorded_sql(history)
    others = tuple(word for name, one in statements.items() if name != revision for word in one)
    before, after = rename_refusals(others, statements[revision])
    if after and after != before:
        yield after


def _orphaned(history: History, revision: str, wanted: Promotion) -> Iterator[str]:
    """Foreign keys to tables that the chain does not make: SQLite would refuse every row."""
    there = {table.name for table in reference(history, ancestry(history.graph, [revision])).tables}
    for fact in wanted.brought:
        if isinstance(fact, ForeignKeyFact) and fact.foreign_key.parent not in there:
            yield f"{describe(fact)} refers to a table that the chain does not make"
