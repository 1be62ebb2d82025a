"""What revisions that are to run would do to things that may be the application's own: asked about before they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.text import pluralize
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.positions import database_of, held_against
from architect_migrate.diagnosis.resolutions import entry
from architect_migrate.model.diff import change_key
from architect_migrate.model.environment import Drop, Keep, tables_and_columns
from architect_migrate.model.facts import ColumnFact, Fact, TableFact, facts, table_of
from architect_migrate.model.history import INSERTING, effects, facts_at, replays, row_statements
from architect_migrate.model.revision_graph import ancestry
from architect_migrate.planning.cut import would_repeat
from architect_migrate.planning.put_aside import put_aside
from architect_migrate.planning.row_questions import NullsIn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.schema import Key
    from architect_migrate.model.stops import Interim
    from architect_migrate.planning.look import Look

# The codes of its findings: each stops a run until a person has decided.
DROP_UNDECIDED = "drop-undecided"
NAMED_LIKE = "named-like-chain"
BEGUN = "may-have-begun"
AT_STAKE = frozenset({BEGUN, DROP_UNDECIDED, NAMED_LIKE})


def at_stake(look: Look, entries: tuple[Resolution, ...], run: Collection[str]) -> Iterator[Finding]:
    """What a person has to decide before some revisions run.

    Rows that would go, though it may be that the revision ran long ago and they are the application's, or that they
    were never copied to where an earlier revision brings them. Tables that would afterwards look like one of the
    chain's that was put aside. Revisions that may have begun already.
    """
    yield from _dropped(look, entries, run)
    yield from _uncopied(look, entries, run)
    yield from _named_like(look, entries, run)
    yield from _begun(look, run)


def _begun(look: Look, run: Collection[str]) -> Iterator[Finding]:
    """Pending revisions that change rows, and of what they drop something is gone: an interrupted run may have begun.

    Why asked about: its row statements may have run, and would act a second time.
    """
    history, position = look.history, look.as_it_is.position
    for revision in (each for each in history.graph.order if each in run and each not in position):
        yield from _between_statements(look, revision)
        its = effects(history)[revision]
        gone = [its_key for its_key in its.removed if its_key not in its.added and its_key[0] in {"table", "column"}]
        if not gone or not row_statements(replays(history)[revision]) or not look.is_near(revision):
            continue
        # Why only now: few pending revisions drop something, and the facts of a schema take time.
        expected, found = facts_at(history, position), facts(look.schema)
        gone = [its_key for its_key in gone if its_key in expected and its_key not in found]
        if not gone:
            continue
        subject = f"{gone[0][0]} {'.'.join(gone[0][1:])}"
        told = f"{revision}, which is pending, drops it, and it is missing: a run that was interrupted may have changed"
        advice = f"finish {revision} by hand and stamp it, or take its changes back and make {subject} again"
        yield Finding(Level.BLOCKING, BEGUN, subject, f"{told} rows already", advice, revision)


def _between_statements(look: Look, revision: str) -> Iterator[Finding]:
    """A table as a pending revision leaves it only between two of its statements, where some before may act again."""
    replayed = replays(look.history)[revision]
    if not replayed.interims or not look.is_near(revision):
        return
    found = facts(look.schema)
    ends = tuple(facts_at(look.history, look.as_it_is.position | {*more}) for more in ((), (revision,)))
    for interim in replayed.interims:
        if _is_left(interim, ends, found) and would_repeat(look.history, revision, interim.until, look.ask):
            subject = f"table {interim.schema.tables[0].spelling}"
            told = f"it is as {revision}, which is pending, leaves it between two of its statements: a run that was"
            advice = f"finish {revision} by hand and stamp it, or take its changes back"
            yield Finding(
                Level.BLOCKING, BEGUN, subject, f"{told} interrupted may have changed rows already", advice, revision
            )
            return


def _is_left(interim: Interim, ends: tuple[Mapping[Key, Fact], ...], found: Mapping[Key, Fact]) -> bool:
    """Whether something of a table is there that only an interim shape has, or the table has that shape as a whole.

    `ends` are the facts before and after the revision. What none of these knows is the database's own.
    """
    table, shape = interim.schema.tables[0].name, facts(interim.schema)
    if any(found.get(key) == fact and all(end.get(key) != fact for end in ends) for key, fact in shape.items()):
        return True
    known = {key for end in (*ends, shape) for key, fact in end.items() if table_of(fact) == table}
    return all(found.get(key) == shape.get(key) for key in known) and any(
        shape.get(key) != ends[0].get(key) for key in known
    )


def _dropped(look: Look, entries: tuple[Resolution, ...], run: Collection[str]) -> Iterator[Finding]:
    """Tables and columns with values that a revision drops which may have run already.

    It may where there is neither a stamp nor a tracker, and the schema fits as well with the revision as without it.
    """
    if look.as_it_is.stamped or look.as_it_is.rows:
        return
    for revision in (each for each in look.history.graph.order if each in run):
        its = effects(look.history)[revision]
        if its.added.keys() - its.removed.keys():
            continue
        held = tuple(_held(look, entries, revision))
        if held and _may_have_run(look, revision, entries):
            yield from (_may_be_own(revision, of, words) for of, words in held)


def _held(look: Look, entries: Iterable[Resolution], revision: str) -> Iterator[tuple[tuple[str, str], str]]:
    """What a revision takes away that holds values, by (table, column), and how many; without what an entry lets go."""
    tables, columns = tables_and_columns(agreed.subject for agreed in entries if isinstance(agreed, Drop))
    its = effects(look.history)[revision]
    for fact in (fact for its_key, fact in its.removed.items() if its_key not in its.added):
        match fact:
            case TableFact(table=table) if table not in tables:
                of, thing = (table, ""), "row"
            case ColumnFact(table=table, column=column) if ("table", table) not in its.removed:
                of, thing = (table, column.name), "value"
            case _:
                continue
        if of not in columns and (number := _values(look, fact)):
            yield of, pluralize(number, thing)


def _uncopied(look: Look, entries: Iterable[Resolution], run: Collection[str]) -> Iterator[Finding]:
    """Tables and columns that a pending revision drops, and whose values are not where an earlier one copies them.

    That one counts as run, but what it fills is empty: a stamp may have been written over a database that lacks it.
    """
    order, position = look.history.graph.order, look.as_it_is.position
    for revision in (each for each in order if each in run and each not in position):
        for of, held in _held(look, entries, revision):
            copies = (_copy(look, each, of) for each in order if each in position)
            if copied := next((each for each in copies if each), None):
                yield _lost_with(revision, of, held, copied)


def _copy(look: Look, revision: str, of: tuple[str, str]) -> tuple[str, str] | None:
    """A revision and the place to which it copies a table or column, if nothing is there; else None."""
    table, column = of
    for each in row_statements(replays(look.history)[revision]):
        if not column and each.verb in INSERTING and table in each.reads:
            for into in sorted(each.writes & look.tables.keys() - {table}):
                if not look.rows(look.tables[into]):
                    return revision, into
        if column and each.verb == "update" and table in each.writes and (table, column) in each.looks:
            its = look.tables[table]
            for other in (one for one in its.columns if one.name in each.columns - {column}):
                if look.rows(its) == look.ask(NullsIn(its.spelling, other.spelling)).count:
                    return revision, f"{table}.{other.name}"
    return None


def _lost_with(revision: str, of: tuple[str, str], held: str, copied: tuple[str, str]) -> Finding:
    found = f"{revision} drops it with {held}, and {copied[1]}, to which {copied[0]} copies them, is empty"
    return _drop(revision, of, found, f"stamp the database before {copied[0]} if that did not run")


def _may_have_run(look: Look, revision: str, entries: tuple[Resolution, ...]) -> bool:
    """Whether nothing is missing, or there too early, if the database is past a revision that is not so anyway."""
    database, position = database_of(look.schema, entries), look.as_it_is.position
    without = held_against(look.history, position, database)
    past = held_against(look.history, position | ancestry(look.history.graph, [revision]), database)
    lacking = {change_key(change) for change in past.lacking} - {change_key(change) for change in without.lacking}
    return not lacking and set(past.beyond) <= set(without.beyond)


def _values(look: Look, fact: Fact) -> int:
    """How many rows or values would go with a table or a column; 0 for anything else, and where it is not there."""
    match fact:
        case TableFact():
            return look.rows(look.tables[fact.table]) if fact.table in look.tables else 0
        case ColumnFact() if fact.table in look.tables:
            table = look.tables[fact.table]
            column = next((each for each in table.columns if each.name == fact.column.name), None)
            if column is None:
                return 0
            return look.rows(table) - look.ask(NullsIn(table.spelling, column.spelling)).count
        case _:
            return 0


def _may_be_own(revision: str, of: tuple[str, str], held: str) -> Finding:
    found = f"{revision} drops it with {held}, but may have run before: then it is the application's own"
    return _drop(revision, of, found, f"stamp the database: past {revision} it is kept")


def _drop(revision: str, of: tuple[str, str], found: str, instead: str) -> Finding:
    """The question about a table or column that a revision drops; `instead` is what to do where it is to stay."""
    table, column = of
    subject = f"column {table}.{column}" if column else f"table {table}"
    advice = f"{instead}. Or let it go: add this to environments.toml"
    return Finding(
        Level.BLOCKING, DROP_UNDECIDED, subject, found, advice, revision, entry(table, column, "drop = true")
    )


def _named_like(look: Look, entries: Iterable[Resolution], run: Collection[str]) -> Iterator[Finding]:
    """Tables that are called like one of the chain's that revisions make empty, and have its columns and rows."""
    made = _made_empty(look, run)
    lasting = facts_at(look.history, look.as_it_is.position | frozenset(run))
    settled, _ = tables_and_columns(kept.subject for kept in entries if isinstance(kept, Keep | Drop))
    for left, of in put_aside(look):
        # Where the table is called otherwise in the end, only one of exactly its shape would look like it.
        last = next((last for last, its in made.items() if of in its.names), "")
        if ("table", last) not in lasting or (last != of and not look.has_shape_of(left, of)):
            continue
        if left.name not in settled and (rows := look.rows(left)):
            by = made[last].revision
            found = (
                f"{by} makes {of} without rows, and then this table would look like {of} put aside: "
                f"it has columns of {of} and {pluralize(rows, 'row')}"
            )
            advice = "give it another name, or say that it is the application's: add this to environments.toml"
            settles = entry(left.spelling, "", "keep = true")
            yield Finding(Level.BLOCKING, NAMED_LIKE, f"table {left.spelling}", found, advice, by, settles)


class _Empty(NamedTuple):
    """A table without rows: the last revision that makes it, and all names that it has from then on."""

    revision: str
    names: frozenset[str]


def _made_empty(look: Look, run: Collection[str]) -> dict[str, _Empty]:
    """Tables that some revisions make and that hold no rows when all have run, by their last names."""
    found: dict[str, _Empty] = {}
    for revision, replayed in replays(look.history).items():
        if revision not in run:
            continue
        renames = [rename for rename in replayed.renames if not rename.table]
        its = effects(look.history)[revision]
        fresh = {k[1] for k in its.added if k[0] == "table" and k not in its.removed} - {each.new for each in renames}
        fresh |= replayed.replaced
        filled = {seed.table for seed in replayed.seeds}
        brought = [move for move in replayed.moves if move.table != move.new_table]
        filled |= {move.new_table for move in brought if not _is_empty(look, move.table, found)}
        renamed = {each.new: found.pop(each.old) for each in renames if each.old in found}
        found |= {new: _Empty(its.revision, its.names | {new}) for new, its in renamed.items()}
        found |= {table: _Empty(revision, frozenset({table})) for table in fresh - filled}
        for table in filled:
            found.pop(table, None)
    return found


def _is_empty(look: Look, table: str, made: Collection[str]) -> bool:
    """Whether a table has no rows when its revision runs: a missing one of the position is made anew."""
    if table in look.tables:
        return not look.rows(look.tables[table])
    return table in made or ("table", table) in facts_at(look.history, look.as_it_is.position)
