"""What became of the tables and columns that revisions read and write, as far as rows depend on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.diagnosis.diagnose import Verdict
from architect_migrate.diagnosis.positions import is_easily_lost, surviving_effects
from architect_migrate.diagnosis.resolutions import keeper
from architect_migrate.model.compare import compare
from architect_migrate.model.diff import Differs, Missing, OtherwiseNamed, change_key, matters
from architect_migrate.model.environment import Keep, tables_and_columns
from architect_migrate.model.facts import ColumnFact, TableFact, TriggerFact, describe, facts, key
from architect_migrate.model.history import WRITING, effects, facts_at, replays, row_statements, unmasked, writes_of
from architect_migrate.model.revision_graph import ancestry
from architect_migrate.planning.row_questions import Alters, RowsIn, ValuesBesides, as_made

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from architect_migrate.diagnosis.diagnose import Diagnosis, Judgement
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.facts import Fact
    from architect_migrate.model.history import Effects, History
    from architect_migrate.model.schema import Column, Key, Schema
    from architect_migrate.planning.row_questions import Question


def facts_found(schema: Schema, diagnosis: Diagnosis) -> Mapping[Key, Fact]:
    """The facts of a schema, with what it has under another name or by other means as the chain has it."""
    otherwise = (change.fact for change in diagnosis.changes if isinstance(change, OtherwiseNamed))
    return facts(schema) | {key(fact): fact for fact in otherwise}


def missing_places(
    history: History, position: frozenset[str], found: Mapping[Key, Fact], resolutions: tuple[Resolution, ...]
) -> frozenset[Key]:
    """The tables and columns of a position that are not there, unless an entry lets them be missing.

    A column that rows cannot have without a value is not among them: a person says what they get.
    """
    tables, columns = tables_and_columns(kept.subject for kept in resolutions if isinstance(kept, Keep))
    missing = ((its_key, fact) for its_key, fact in facts_at(history, position).items() if its_key not in found)
    return frozenset(
        its_key
        for its_key, fact in missing
        if its_key[1] not in tables and its_key[1:] not in columns and (isinstance(fact, TableFact) or _is_filled(fact))
    )


def _is_filled(fact: Fact) -> bool:
    """Whether a fact is a column that rows can have without a person's word: NULL, or its default."""
    return isinstance(fact, ColumnFact) and not (fact.column.not_null and fact.column.default is None)


def lost_place(history: History, missing: frozenset[Key], judgement: Judgement) -> str:
    """What a revision wrote to and is made anew, in words; empty where nothing is.

    What the revision itself makes does not count where nothing of it is there: then it is run as a whole.
    """
    revision = judgement.revision.id
    made = effects(history)[revision].added if judgement.verdict is Verdict.MISSING else {}
    replayed = replays(history)[revision]
    written = {(table, each.columns) for each in row_statements(replayed) for table in each.writes}
    written |= {(seed.table, frozenset(columns)) for seed in replayed.seeds for _, columns, _ in seed.values[:1]}
    places: set[Key] = {("table", table) for table, _ in written}
    places |= {("column", table, column) for table, columns in written for column in columns}
    lost = min((missing & places) - made.keys(), key=lambda its_key: (len(its_key), its_key), default=())
    return f"{lost[0]} {'.'.join(lost[1:])}" if lost else ""


def refuted(history: History, diagnosis: Diagnosis, judgement: Judgement) -> bool:
    """Whether a stamp is all that says of a revision that it ran, and tables or columns that it claims are missing.

    The stamp may then have been written over a database on which the newest revisions never ran. A revision that leaves
    something, or before one that does, is known by that.
    """
    if judgement.present:
        return False
    revision, graph = judgement.revision.id, history.graph
    if effects(history)[revision].added and judgement.verdict is not Verdict.SUPERSEDED:
        return False
    later = {revision}
    for each in graph.revisions:
        if not later.isdisjoint(each.parents):
            later.add(each.id)
    after = [each for each in diagnosis.judgements if each.revision.id in later]
    if any(each.present for each in after):
        return False
    line = ancestry(graph, [each.revision.id for each in after if each.revision.id in diagnosis.stamped])
    return any(
        isinstance(fact, TableFact | ColumnFact)
        for each in diagnosis.judgements
        if each.revision.id in line
        for fact in each.absent
    )


def overtaken(
    history: History,
    diagnosis: Diagnosis,
    found: Mapping[Key, Fact],
    revision: str,
    ask_rows: Callable[[str], int | None],
) -> str:
    """Why a revision of which nothing is in the schema may not simply be run now; empty if it may.

    It may have run, and write to other tables than those that it makes. Or later revisions that ran changed the rows
    that it reads, or made triggers that it would set off, so that it would find or do something else now than in its
    turn. `ask_rows` counts the rows of a table.
    """
    replayed = replays(history)[revision]
    statements = row_statements(replayed)
    read = replayed.reads.union(*(each.reads for each in statements))
    written = writes_of(statements)
    missing = {each.revision.id for each in diagnosis.judgements if each.verdict is Verdict.MISSING}
    made = {its_key[1] for its_key in effects(history)[revision].added if its_key[0] == "table"}
    if elsewhere := sorted(table for table in written - made if ("table", table) in found and ask_rows(table) != 0):
        # Why: what it makes may have been lost long after it ran, and its statements would act a second time.
        return f"it also changes rows of {elsewhere[0]}, which it does not make"
    looked = sorted(table for table in replayed.reads - made if ("table", table) in found and ask_rows(table) != 0)
    if looked and all(map(is_easily_lost, effects(history)[revision].added.values())):
        return f"it also changes what it finds in {looked[0]}, and all that it makes is easily lost"
    if looked and revision in diagnosis.stamped:
        # A loop over rows writes nothing in a replay on empty tables.
        return f"it also reads {looked[0]}, which it does not make, and may change what it finds there"
    for later in (each for each in history.graph.order if each in diagnosis.position - missing):
        if later == revision or revision not in ancestry(history.graph, [later]):
            continue
        if changed := read & writes_of(row_statements(replays(history)[later])):
            return f"{later}, which ran, changed rows of {min(changed)}, which it reads"
        for fact in effects(history)[later].added.values():
            if isinstance(fact, TriggerFact) and fact.trigger.table in written and key(fact) in found:
                return f"{later}, which ran, made the trigger {fact.trigger.name}, which it would set off"
    return ""


def gone_ahead(
    history: History,
    diagnosis: Diagnosis,
    found: Mapping[Key, Fact],
    resolutions: tuple[Resolution, ...],
    began: Collection[str],
) -> dict[str, str]:
    """The revisions beyond a position that may have run: something of it is already as the last of them leaves it.

    With each goes that thing, in words. A stamp that is too old looks like this where what ran after it shows in
    nothing but what it took away. A revision that lacks what it makes did not run, and none after it did; those that
    leave no lasting trace, and come next, may have run as well. One that is next and drops a table or column which is
    missing is asked about elsewhere: it may have begun. `began` are revisions of which an interrupted run left
    something: those before them ran.
    """
    position = diagnosis.position
    beyond = [revision for revision in history.graph.order if revision not in position]
    may: dict[str, str] = {}
    for change in diagnosis.changes if beyond else ():
        if not isinstance(change, Missing | Differs) or not matters(change) or keeper(change, resolutions):
            continue
        dropped = isinstance(change, Missing) and isinstance(change.fact, TableFact | ColumnFact)
        its_key = change_key(change)
        for last in beyond:
            if _leaves(effects(history)[last], its_key, found):
                line = _reached(history, position, last, found)
                line = _with_traceless(history, position, line) - (line if dropped and len(line) == 1 else frozenset())
                may |= dict.fromkeys(line, f"{describe(change.fact)} is as {last} leaves it") | may
    for last in sorted({*began} - position):
        line = _reached(history, position, last, found) - {last}
        may |= dict.fromkeys(line, f"an interrupted run of {last} left something") | may
    return may


def filled_early(
    history: History,
    beyond: frozenset[str],
    found: Mapping[Key, Fact],
    revision: str,
    count: Callable[[Question], int | None],
) -> str:
    """What of the chain a pending revision changes and is full too early, in words; empty where nothing is.

    `beyond` are revisions of the position that no stamp covers. A table that they make without rows, or a column
    without values, has some: newer models may have made it, and its rows may be as the pending revision leaves them.
    """
    statements = row_statements(replays(history)[revision])
    before = [replays(history)[each] for each in history.graph.order if each in beyond]
    wrote = writes_of(each for one in before for each in one.statements if each.verb in WRITING)
    wrote |= {name for one in before for name in one.writes}
    renamed = {rename.key(rename.new) for one in before for rename in one.renames}
    for each in (each for each in history.graph.order if each in beyond):
        its = effects(history)[each]
        for its_key in its.added.keys() - its.removed.keys() - renamed:
            match found.get(its_key):
                case TableFact(table=table) if table in writes_of(statements) - wrote and count(RowsIn(table)):
                    return f"table {table}, which {each} makes without rows, has some"
                case ColumnFact(table=table, column=column) if ("table", table) not in its.added:
                    changed = any(table in one.writes and column.name in one.columns for one in statements)
                    if changed and table not in wrote and _may_be_filled(count, table, column):
                        return f"column {table}.{column.name}, which {each} makes without values, has some"
                case _:
                    pass
    return ""


def number_filled(count: Callable[[Question], int | None], table: str, column: Column) -> int | None:
    """In how many rows a column holds something that was not there when it was made; None where that is not known."""
    return count(ValuesBesides(table, column.spelling, as_made(column)))


def _may_be_filled(count: Callable[[Question], int | None], table: str, column: Column) -> bool:
    """Whether a column has other values than it was made with; where that is not known, whether it has any."""
    found = number_filled(count, table, column)
    return bool(count(ValuesBesides(table, column.spelling, ("NULL",))) if found is None else found)


def _reached(history: History, position: frozenset[str], last: str, found: Mapping[Key, Fact]) -> frozenset[str]:
    """The revisions beyond a position that ran if the last of them did; none if one before it lacks what it makes."""
    line = ancestry(history.graph, [last]) - position
    lasting = surviving_effects(history, position | line)
    return line if all(_is_there(lasting.get(each, {}), found) for each in line - {last}) else frozenset()


def _with_traceless(history: History, position: frozenset[str], line: frozenset[str]) -> frozenset[str]:
    """Some revisions beyond a position with those that leave nothing that lasts and come next, here or after them.

    Where the stamp is too old on one branch, it may be so on another.
    """
    found = set(line)
    for revision in history.graph.order if line else ():
        its, before = effects(history)[revision], ancestry(history.graph, [revision]) - position - {revision}
        if (
            before <= found
            and revision not in position
            and not its.removed
            and all(map(is_easily_lost, its.added.values()))
        ):
            found.add(revision)
    return frozenset(found)


def _leaves(its: Effects, its_key: Key, found: Mapping[Key, Fact]) -> bool:
    """Whether a revision with these effects takes away what is missing, or gives what is there just its shape."""
    there, left = found.get(its_key), its.added.get(its_key)
    if there is None or left is None:
        return there is left and its_key in its.removed
    return not compare(left, there)


def _is_there(made: Mapping[Key, Fact], found: Mapping[Key, Fact]) -> bool:
    return all(its_key in found or is_easily_lost(fact) for its_key, fact in made.items())


def would_alter(history: History, revision: str, part: slice) -> Alters:
    """The question how many values some of a revision's row statements would change if they ran now."""

    def texts() -> tuple[str, ...]:
        # Why only where it is asked for: the values of rows may have to be learnt by another replay.
        return tuple(statement.text for statement in row_statements(unmasked(history)[revision])[part])

    return Alters(min(writes_of(row_statements(replays(history)[revision])[part])), texts)
