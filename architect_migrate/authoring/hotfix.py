"""Promotion of a hotfix to a revision: the extra objects of a database, and the proof that the revision makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import NewRevisionError, ReplayError
from architect_migrate.core.errors import nearest, shortened
from architect_migrate.databases.promotion import Promotion, left_out
from architect_migrate.databases.questions import count_rows
from architect_migrate.databases.registry import access, dialect, reader
from architect_migrate.model.delta import apply
from architect_migrate.model.facts import (
    ForeignKeyFact,
    describe,
    facts,
    key,
    stored_text,
)
from architect_migrate.model.history import effects, recorded_sql, reference
from architect_migrate.model.revision_graph import ancestry
from architect_migrate.revisions.replay import replay_draft
from architect_migrate.runs.survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.history import History, Replayed
    from architect_migrate.model.schema import Key

_NOTHING = "nothing was written"


@dataclass(frozen=True, slots=True)
class Hotfix:
    """Extra objects of a database; `rows` are (table, count) of whole tables, whose rows the revision does not add."""

    environment: str
    promotion: Promotion
    rows: tuple[tuple[str, int], ...]


def hotfix_of(context: EnvironmentContext, names: tuple[str, ...]) -> Hotfix:
    """Return the objects of the environment's database that its chain lacks, read in one transaction.

    `names` select some of them; without names, see `promotion`. Raises as `reading`, and NewRevisionError if a name
    matches no such object or nothing can be promoted.
    """
    history, environment = context.history, context.environment
    with access.reading(environment.url, environment.policies.lock_timeout) as connection:
        actual = reader.read_schema(connection, context.hidden(history.graph.version_table))
        wanted = dialect.promotion(
            reference(history, frozenset(history.graph.order)), actual, names, _ever_made(history)
        )
        rows = tuple((table, count_rows(connection, table)) for table in wanted.tables)
    if wanted.unknown:
        hint = nearest(wanted.unknown[0], wanted.names) or "it has nothing beyond the chain"
        problem = f"it has no {shortened(wanted.unknown[0])} that differs from the chain"
        raise NewRevisionError(environment.name, problem, f"{hint}; {_NOTHING}")
    if not wanted.upgrade:
        raise NewRevisionError(environment.name, _nothing_to_promote(wanted), _NOTHING)
    _refuse_removed_later(context, wanted, _ever_made(history))
    return Hotfix(environment.name, wanted, tuple(row for row in rows if row[1]))


def _refuse_removed_later(context: EnvironmentContext, wanted: Promotion, once: frozenset[Key]) -> None:
    """Raise NewRevisionError for an object that a pending revision removes: it is no hotfix, the database is behind."""
    replaced = {key(fact) for fact in wanted.replaced}
    old = [fact for fact in wanted.brought if key(fact) in once - replaced]
    if old and survey(context).pending:
        name = context.environment.name
        problem = f"it has {describe(old[0])} because it is behind, and a pending revision removes it"
        raise NewRevisionError(name, problem, f"archmig upgrade -e {name} first; {_NOTHING}")


def _ever_made(history: History) -> frozenset[Key]:
    return frozenset(its_key for effect in effects(history).values() for its_key in effect.added)


def _nothing_to_promote(wanted: Promotion) -> str:
    if not wanted.left:
        return "it has nothing beyond the chain"
    return f"nothing in it can be promoted: {'; '.join(left_out(wanted.left, 3))}"


def prove(chain: ChainConfig, folder: Path, revision: str, wanted: Promotion) -> None:
    """Replay the chain with the revision in `folder`, and its downgrade, on a scratch database.

    Raises NewRevisionError unless the revision makes exactly the wanted objects, with the same stored texts, and its
    downgrade removes all of them.
    """
    try:
        history, back = replay_draft(chain, folder)
    except ReplayError as error:
        raise NewRevisionError(
            error.revision or str(chain.ini), error.cause, f"{_NOTHING}: {_depends(wanted)}"
        ) from error
    problems = [
        *_made_otherwise(history, revision, wanted),
        *_not_taken_back(history, revision, back),
        *_broken(history, revision),
        *_orphaned(history, revision, wanted),
    ]
    if problems:
        advice = f"{_NOTHING}: name the objects that belong together with --object, or write the revision by hand"
        raise NewRevisionError(revision, problems[0], advice)


def _depends(wanted: Promotion) -> str:
    return "it needs an object that the chain lacks; name that too" if wanted.left else "correct the chain first"


def _made_otherwise(history: History, revision: str, wanted: Promotion) -> Iterator[str]:
    """Describe objects that the revision makes in another shape than the database's, or that were not wanted."""
    schema = reference(history, ancestry(history.graph, [revision]))
    made, texts = facts(schema), {table.spelling: table.sql for table in schema.tables}
    for name in wanted.tables:
        if texts.get(name) not in wanted.upgrade:
            yield f"it would make table {name} with another text than the database stores"
    for fact in wanted.brought:
        actual = made.get(key(fact))
        if actual != fact:
            yield f"it would not make {describe(fact)} as the database has it"
        elif stored_text(actual) != stored_text(fact):
            yield f"it would make {describe(fact)} with another text than the database stores"
    expected = {key(fact) for fact in wanted.brought}
    does = effects(history)[revision]
    more = [fact for its_key, fact in does.added.items() if its_key not in expected]
    less = [fact for its_key, fact in does.removed.items() if its_key not in {key(each) for each in wanted.replaced}]
    yield from (f"it would also make {describe(each)}" for each in more)
    yield from (f"it would remove {describe(each)}" for each in less)


def _not_taken_back(history: History, revision: str, back: Replayed) -> Iterator[str]:
    """Describe what the downgrade does not restore."""
    everything = frozenset(history.graph.order)
    before = facts(reference(history, everything - {revision}))
    after = facts(apply(reference(history, everything), back.delta))
    changed = [one for one in before.keys() | after.keys() if before.get(one) != after.get(one)]
    for its_key in sorted(changed):
        yield f"its downgrade would not restore {describe(before.get(its_key) or after[its_key])}"


def _broken(history: History, revision: str) -> Iterator[str]:
    """Yield SQLite's message on views and triggers that refer to a missing object, unless it was the same before."""
    statements = recorded_sql(history)
    others = tuple(word for name, one in statements.items() if name != revision for word in one)
    before, after = dialect.rename_refusals(others, statements[revision])
    if after and after != before:
        yield after


def _orphaned(history: History, revision: str, wanted: Promotion) -> Iterator[str]:
    """Describe foreign keys to tables that the chain does not make. Why: SQLite would refuse every row."""
    there = {table.name for table in reference(history, ancestry(history.graph, [revision])).tables}
    for fact in wanted.brought:
        if isinstance(fact, ForeignKeyFact) and fact.foreign_key.parent not in there:
            yield f"{describe(fact)} refers to a table that the chain does not make"
