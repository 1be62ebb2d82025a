"""Blocks plans with revisions that insert rows whose keys other rows of their database have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.text import pluralize
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.history import effects, is_of_constants, replays, row_statements
from architect_migrate.model.seed_rows import Clash
from architect_migrate.planning.blockers import examples
from architect_migrate.planning.plan import RunRows
from architect_migrate.planning.row_questions import KeysTaken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Key, Table
    from architect_migrate.planning.plan import RunRevision
    from architect_migrate.planning.row_questions import Answer, Question

KEY_TAKEN = "key-taken"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a revision asks of rows: none may be counted by the question. `found` makes the finding if there are any."""

    table: str
    question: Question
    found: Callable[[Answer], Finding]


def keys_taken(history: History, step: RunRevision | RunRows, tables: Mapping[str, Table]) -> Iterator[Demand]:
    """The demand that no row has a key of those that a revision inserts, where its INSERT would fail on that.

    `tables` are those whose rows are what they are now.
    """
    revision = step.revision
    replayed = replays(history)[revision]
    made = {its_key[1] for its_key in effects(history)[revision].added if its_key[0] == "table"}
    changed = {
        table for each in row_statements(replayed) if not is_of_constants(each) for table in each.writes
    } | replayed.replaced
    wanted: dict[tuple[str, Key, str], set[tuple[str, ...]]] = {}
    for seed in replayed.seeds:
        table = tables.get(seed.table)
        if table is None or seed.table in made | changed or seed.clash != Clash.FAILS:
            continue
        for columns, digests in seed.keys:
            # A constraint that says what becomes of such a row does not make the INSERT fail.
            if not table.conflicts and {*columns} <= {column.name for column in table.columns}:
                wanted.setdefault((seed.table, columns, seed.key), set()).add(digests)
    for (name, columns, key), rows in wanted.items():
        yield _demand(history, step, KeysTaken(name, columns, tuple(sorted(rows)), key))


def _demand(history: History, step: RunRevision | RunRows, question: KeysTaken) -> Demand:
    revision, columns = step.revision, ", ".join(question.columns)
    its = effects(history)[revision]
    can_be_left_out = isinstance(step, RunRows) or not (its.added or its.removed)
    by_hand = f"give them another {columns} by hand, then plan again"
    # Why first: the stamp may be too low, and the rows the ones that the revision inserted.
    ran = f"archmig reconcile --rows {revision}=done if it ran already, =skip to do without its rows"
    advice = f"{ran}; or {by_hand}" if can_be_left_out else by_hand

    def found(answer: Answer) -> Finding:
        rows = pluralize(answer.count, "row has", "rows have")
        told = f"{revision} would fail: it inserts values of {columns} that {rows} already{examples(answer)}"
        return Finding(Level.BLOCKING, KEY_TAKEN, f"{question.table}.{columns}", told, advice, revision)

    return Demand(question.table, question, found)
