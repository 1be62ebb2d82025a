"""Work that was interrupted: what revisions make on their way, or only half renamed, found in a database.

Such a table may hold the only copy of rows, so rows are counted on both sides before anything is concluded. Where one
side has everything, the repair is known; where both have rows of their own, a person decides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.names import BATCH_COPY, fold
from architect_migrate.core.text import joined, pluralize
from architect_migrate.diagnosis.diagnose import Basis, Known, Verdict
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.resolutions import entry
from architect_migrate.model.environment import Drop, Keep, Kind, tables_and_columns
from architect_migrate.model.history import Rename, effects, facts_at, replays, tables_ever
from architect_migrate.model.revision_graph import ancestry
from architect_migrate.planning.both_sides import empty_successors, lasting_renames, missing_places, on_both_sides
from architect_migrate.planning.halfway import ended_before_the_stamp, halfway, interrupted
from architect_migrate.planning.look import (
    Interruption,
    Look,
    columns_of,
    on_their_way,
    renames_of,
    shapes_of,
    spelt,
)
from architect_migrate.planning.made_again import earlier_columns, earlier_tables
from architect_migrate.planning.plan import CreateObject, DropObject, RenameColumn, RenameTable, RunRevision
from architect_migrate.planning.planner import native_revisions
from architect_migrate.planning.put_aside import called_otherwise, is_like, names_of, rows_put_aside
from architect_migrate.planning.renamed_by_hand import renamed_by_hand
from architect_migrate.planning.row_questions import RowsBeyond, ValuesBesides, as_made, with_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.diagnosis.diagnose import Diagnosis
    from architect_migrate.model.environment import Resolution, Subject
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Schema, Table
    from architect_migrate.planning.halfway import Halfway
    from architect_migrate.planning.look import Ask
    from architect_migrate.planning.plan import Step
    from architect_migrate.planning.row_questions import Question


def interruptions(
    history: History, schema: Schema, as_it_is: Diagnosis, resolutions: tuple[Resolution, ...], ask: Ask
) -> tuple[Interruption, ...]:
    """What interrupted runs left in a database, without what a [[resolve]] entry settles.

    `as_it_is` is where the database is by its schema as it stands. Where its stamp fits, a table that is only called
    like one that revisions make is the application's own, unless the table that should hold its rows is empty, or it
    has exactly the columns that the last or the next revision gives it on its way, and rows that are there alone.
    """
    look = Look(history, schema, {table.name: table for table in schema.tables}, as_it_is, ask)
    return tuple(_unsettled(_found(look), resolutions))


def _found(look: Look) -> list[Interruption]:
    found = [*_left_tables(look), *rows_put_aside(look), *on_both_sides(look)]
    found += [*earlier_tables(look), *earlier_columns(look)]
    told = {(each.table, each.column) for each in found} | {(each.table, "") for each in found}
    found += [each for each in renamed_by_hand(look) if not {(each.table, each.column), (each.table, "")} & told]
    for half in halfway(look):
        found = _instead(look, found, half)
    return [*found, *ended_before_the_stamp(look)]


def kept_outside(look: Look, resolutions: tuple[Resolution, ...]) -> Iterator[Finding]:
    """Notes of what [[resolve]] entries leave where it is, with its rows, for each report."""
    if any(isinstance(resolution, Keep) for resolution in resolutions):
        found = _found(look)
        left = set(_unsettled(found, resolutions))
        for its in found:
            if its not in left:
                yield Finding(Level.NOTE, "kept-outside", _subject(its), its.found, "an entry keeps it", its.revision)


def _instead(look: Look, found: list[Interruption], half: Halfway) -> list[Interruption]:
    """What is found, with a revision that stopped halfway instead of single things that it left.

    None that comes after one whose rows are not where it brings them: that one did not end.
    """
    its, before = interrupted(look, half), ancestry(look.history.graph, (half.revision,)) - {half.revision}
    others = [each for each in found if fold(each.table) not in half.tables]
    not_ended = any(each.runs in before for each in found)
    if its is None or not_ended or (not its.steps and len(others) < len(found)):
        return found
    return [its, *others]


def known_from(found: tuple[Interruption, ...]) -> Known:
    """What the steps of interrupted work make of their revisions."""
    able = [interruption for interruption in found if interruption.steps]
    ran = frozenset(interruption.ends for interruption in able if interruption.ends)
    return Known(ran, frozenset(interruption.undoes for interruption in able if interruption.undoes))


def _unsettled(found: list[Interruption], resolutions: tuple[Resolution, ...]) -> Iterator[Interruption]:
    """What entries leave of interruptions.

    An entry that keeps a table does not make an empty one beside it: where the table that its rows belong to is
    missing, a person has to bring them there, or say by an entry that it is to be missing.
    """
    kept = [resolution.subject for resolution in resolutions if isinstance(resolution, Keep)]
    dropped = [resolution.subject for resolution in resolutions if isinstance(resolution, Drop)]
    # To drop a column says nothing of the values that are in it alone: these have to be brought first.
    settling = [*kept, *(subject for subject in dropped if subject.kind is Kind.TABLE)]
    left = [
        interruption
        for interruption in found
        if not _names(settling, interruption.table, interruption.column)
        # One that keeps the missing table says that there is to be none.
        and not (interruption.missing and _names(kept, interruption.missing, ""))
    ]
    yield from left
    brought = {fold(step.new) for step in steps_of(tuple(left)) if isinstance(step, RenameTable)}
    for interruption in found:
        missing = interruption.missing
        lonely = missing and missing not in brought and not _names(kept, missing, "")
        if interruption not in left and lonely and _names(kept, interruption.table, ""):
            yield replace(interruption, steps=())


def _names(subjects: list[Subject], table: str, column: str) -> bool:
    """Whether one of these subjects is a table, or the column of it where one is given."""
    tables, columns = tables_and_columns(subjects)
    # Why also as they are: names are folded only where the kind of database folds them.
    spelled = ((table, column), (fold(table), fold(column)))
    return any(own in tables or (bool(column) and (own, its) in columns) for own, its in spelled)


def half_made(history: History, schema: Schema, diagnosis: Diagnosis, ask: Ask) -> tuple[Interruption, ...]:
    """Tables made empty under a name that the chain gives another table later, where no position fits as it is."""
    look = Look(history, schema, {table.name: table for table in schema.tables}, diagnosis, ask)
    return tuple(empty_successors(look))


def not_to_run(
    history: History, schema: Schema, diagnosis: Diagnosis, found: tuple[Interruption, ...]
) -> tuple[Interruption, ...]:
    """The interruptions after whose steps their revision would not go on as they need: those are for a person."""
    ran = diagnosis.position - native_revisions(history, diagnosis, schema)
    return tuple(
        interruption
        for interruption in found
        if interruption.steps
        if interruption.runs in ran
        or interruption.undoes in diagnosis.position
        or (interruption.ends and interruption.ends not in diagnosis.position)
    )


def wrongly_guessed(before: Diagnosis, after: Diagnosis, found: tuple[Interruption, ...]) -> tuple[Interruption, ...]:
    """The interruptions that are only guessed, where no position fits after their steps: those are for a person.

    Where one fits before them, the stamp has to fit after them: else nothing says that the table is the chain's.
    """
    by_stamp = after.basis in {Basis.STAMP, Basis.INCOMPLETE_STAMP}
    if by_stamp or (after.basis.fits and not before.basis.fits):
        return ()
    return tuple(interruption for interruption in found if interruption.guessed and interruption.steps)


def unmoved(
    history: History,
    seen: tuple[Schema, Diagnosis],
    resolutions: tuple[Resolution, ...],
    ask: Ask,
    apart: frozenset[str] = frozenset(),
) -> tuple[Interruption, ...]:
    """Rows that revisions which ran in part were to bring to places that are missing: repair would make them empty.

    `apart` are revisions that are not to be run as a whole, though nothing of them is there.
    """
    schema, diagnosis = seen
    look = Look(history, schema, {table.name: table for table in schema.tables}, diagnosis, ask)
    part = diagnosis.position - (native_revisions(history, diagnosis, schema) - apart)
    return tuple(_unsettled(list(missing_places(look, part)), resolutions))


def names_taken(history: History, tables: Iterable[Table], steps: Iterable[Step]) -> tuple[Finding, ...]:
    """Why revisions that are to be run would fail: a table is there that they make on their way."""
    planned = tuple(steps)
    dropped = {fold(step.name) for step in planned if isinstance(step, DropObject) and step.kind == "table"}
    there = {table.name: table.spelling for table in tables if table.name not in dropped}
    advice = "give it another name, or drop it where none of its rows is needed"
    found: list[Finding] = []
    for revision in (step.revision for step in planned if isinstance(step, RunRevision)):
        # A table of the chain's that was called so goes first, or gets another name.
        for its_key in effects(history)[revision].removed:
            there.pop(its_key[1] if its_key[0] == "table" else "", None)
        told = f"{revision} makes a table of this name on its way, and would fail"
        found += (
            Finding(Level.BLOCKING, "name-taken", f"table {there[passing.name]}", told, advice, revision)
            for passing in replays(history)[revision].passing
            if passing.name in there
        )
    return tuple(found)


def in_the_way(history: History, left: tuple[Interruption, ...], pending: Iterable[str]) -> tuple[Interruption, ...]:
    """The same interruptions: no entry settles one whose table has a name that a pending revision makes on its way."""
    makes = {passing.name: revision for revision in pending for passing in replays(history)[revision].passing}
    return tuple(
        its
        if its.steps or its.column or its.by_hand or fold(its.table) not in makes
        else replace(its, by_hand=_out_of_the_way(its, makes[fold(its.table)]))
        for its in left
    )


def _out_of_the_way(its: Interruption, revision: str) -> str:
    first = f"rename it to {its.missing}" if its.missing else "bring the rows to where they belong"
    return f"{first} by hand, or give it another name: {revision} makes a table of this name"


def unfinished_renames(
    history: History, schema: Schema, diagnosis: Diagnosis, apart: frozenset[str] = frozenset()
) -> tuple[Interruption, ...]:
    """Renames of revisions that ran in part: the old name is there, with the values, and the new one is not.

    `apart` are revisions that are not to be run as a whole, though nothing of them is there.
    """
    tables = {table.name: table for table in schema.tables}
    expected = facts_at(history, diagnosis.position)
    lasting = tables_ever(history)
    own = [trigger.body for trigger in schema.triggers] + [view.body for view in schema.views]
    referred = frozenset(name for name in tables if any(name in body for body in own))
    referred |= {key.parent for table in schema.tables if table.name not in lasting for key in table.foreign_keys}
    broken = {Verdict.PARTIAL, Verdict.CONFLICTING, Verdict.MISSING}
    # A revision that is run as a whole renames by itself.
    native = native_revisions(history, diagnosis, schema) - apart
    part = {
        judgement.revision.id for judgement in diagnosis.judgements if judgement.verdict in broken
    } & diagnosis.position - native
    renames = [(revision, rename) for revision, rename in lasting_renames(history) if revision in part]
    return tuple(
        made
        for revision, rename in renames
        if rename.key(rename.new) in expected and rename.key(rename.old) not in expected
        if (made := _finished(history, revision, rename, (tables, referred))) is not None
    )


def _finished(
    history: History, revision: str, rename: Rename, there: tuple[dict[str, Table], frozenset[str]]
) -> Interruption | None:
    """The step that ends a rename; None where nothing is left to be renamed, or the new name is taken."""
    tables, referred = there
    if not rename.table:
        if rename.old not in tables or rename.new in tables:
            return None
        old = tables[rename.old].spelling
        told = f"{revision}, which ran in part, calls it {rename.new}"
        # What refers to the old name would go on doing so: SQLite's own rename follows it, this one does not.
        steps = () if rename.old in referred else (RenameTable(old, spelt(history, revision, rename.new), revision),)
        return Interruption(old, told, steps, revision)
    table = tables.get(rename.table)
    columns = {column.name: column.spelling for column in table.columns} if table else {}
    if table is None or rename.old not in columns or rename.new in columns:
        return None
    told = f"{revision}, which ran in part, calls it {rename.new}"
    new = spelt(history, revision, rename.table, rename.new)
    step = RenameColumn(table.spelling, columns[rename.old], new, revision)
    return Interruption(table.spelling, told, (step,), revision, columns[rename.old])


def steps_of(found: tuple[Interruption, ...]) -> tuple[Step, ...]:
    """The steps that put interrupted work in order; none for what a person has to decide."""
    return tuple(step for interruption in found for step in interruption.steps)


def as_it_is_now(question: Question, steps: tuple[Step, ...]) -> Question:
    """The same question, of the tables and columns as they are called before these steps."""
    for step in reversed(steps):
        match step:
            case RenameTable() if fold(question.table) == fold(step.new):
                question = replace(question, table=step.table)
            case RenameTable() if isinstance(question, RowsBeyond) and fold(question.other) == fold(step.new):
                question = replace(question, other=step.table)
            case RenameColumn() if fold(question.table) == fold(step.table):
                question = with_column(question, step.new, step.column)
            case _:
                pass
    return question


def as_called_now(its: Interruption, steps: tuple[Step, ...]) -> Interruption:
    """The same for a person to decide, with the name that the table has before some steps, one of which renames it."""
    old = [step.table for step in steps if isinstance(step, RenameTable) and fold(step.new) == fold(its.table)]
    return replace(its, found=f"{its.found} (it is called {old[0]} now)") if old and not its.steps else its


def finding_of(its: Interruption) -> Finding:
    """The finding that reports an interruption, with the entry that settles it where a person has to decide."""
    subject = _subject(its)
    if its.steps:
        return Finding(Level.REPAIR, "interrupted", subject, its.found, "archmig reconcile repairs it", its.revision)
    if its.by_hand:
        return Finding(Level.BLOCKING, "interrupted-undecided", subject, its.found, its.by_hand, its.revision)
    outside = "bring the rows to where they belong by hand; if they are to stay outside, add this to environments.toml"
    advice = its.advice or outside
    settles = entry(its.table, its.column, "keep = true")
    if its.missing:
        advice = f"rename it to {its.missing} by hand, or do without {its.missing}: add this to environments.toml"
        settles = entry(its.missing, "", "keep = true")
    return Finding(Level.BLOCKING, "interrupted-undecided", subject, its.found, advice, its.revision, settles)


def _subject(its: Interruption) -> str:
    return f"column {its.table}.{its.column}" if its.column else f"table {its.table}"


def _left_tables(look: Look) -> Iterator[Interruption]:
    for revision, passing in on_their_way(look):
        left, other = look.tables[passing.name], look.tables.get(passing.table)
        by = (revision, f"an interrupted {f'run of {revision}' if revision else 'batch operation of Alembic'} left it")
        if passing.name.startswith(BATCH_COPY):
            yield from _left(look, left, passing.table, by)
        elif look.as_it_is.basis.fits:
            yield from _near(look, left, passing.table, by)
        elif is_like(look, left, passing.table) and (other is None or not look.rows(other) or _may_be_cut(look, by[0])):
            yield from _as_asked(_left(look, left, passing.table, by), sure=look.has_shape_of(left, passing.table))


def _may_be_cut(look: Look, revision: str) -> bool:
    """Whether a revision can be the one that was interrupted, by the schema or by the stamp."""
    return look.is_near(revision) or look.is_near_stamp(revision)


def _left(look: Look, left: Table, of: str, by: tuple[str, str]) -> Iterator[Interruption]:
    """What a table on its way is that an interrupted run left: beside the one that it belongs to, or alone."""
    other = look.tables.get(of)
    if other is not None:
        yield _beside(look, left, other, by)
    elif others := called_otherwise(look, of):
        # Models can make the new name of a table that is on its way under the old one.
        beside = [_beside(look, left, look.tables[name], by) for name in others]
        yield from [replace(beside[0], steps=())] if look.rows(left) and all(map(_is_lacking, beside)) else []
    elif any(map(look.expects, names_of(look, of))):
        yield _alone(look, left, of, by)
    elif left.name.startswith(BATCH_COPY) and not look.rows(left):
        gone = (DropObject("table", left.spelling, by[0]),)
        yield Interruption(left.spelling, f"{by[1]}, and it is empty", gone, by[0])
    elif left.name.startswith(BATCH_COPY):
        # A stamp can be older than what ran: the copy says that its table was there.
        yield replace(_alone(look, left, of, by), guessed=True)


def _alone(look: Look, left: Table, of: str, by: tuple[str, str]) -> Interruption:
    """A left table that is there alone, and takes the name of the one that it was to replace."""
    held = f"{pluralize(look.rows(left), 'row is', 'rows are')} in it"
    found = f"{by[1]}, and there is no table {of}: {held}"
    return Interruption(
        left.spelling, found, (RenameTable(left.spelling, spelt(look.history, by[0], of), by[0]),), by[0], missing=of
    )


def _as_asked(found: Iterable[Interruption], *, sure: bool) -> Iterator[Interruption]:
    """Interruptions as they are where they are sure; else a person decides, and what would only go is left alone."""
    for interruption in found:
        only_goes = all(isinstance(step, DropObject) for step in interruption.steps) and bool(interruption.steps)
        if sure:
            yield interruption
        elif not only_goes:
            yield replace(interruption, steps=())


def _near(look: Look, left: Table, of: str, by: tuple[str, str]) -> Iterator[Interruption]:
    """A table that the last or the next revision makes on its way, where a position fits: for a person to look at.

    The application may have a table of that name. One with exactly these columns, and with rows that are there alone,
    is more likely to be what an interrupted run left. So is one with these columns and more beside an empty table, or
    with columns that the chain gives this table at some time.
    """
    other, shapes = look.tables.get(of), shapes_of(look.history).get(of, set())
    same = columns_of(left) in shapes
    is_made_of = columns_of(left) <= frozenset[str]().union(*shapes) and is_like(look, left, of)
    beside_empty = other is not None and not look.rows(other)
    if other is not None and beside_empty and (is_made_of or any(shape <= columns_of(left) for shape in shapes)):
        yield from [replace(_beside(look, left, other, by), steps=())] if look.rows(left) else []
    elif same and look.rows(left) and (of not in look.tables or look.is_near(by[0])):
        guessed = (replace(found, guessed=bool(found.missing)) for found in _left(look, left, of, by))
        yield from _as_asked(guessed, sure=of not in look.tables and look.has_shape_of(left, of))


def _is_lacking(beside: Interruption) -> bool:
    """Whether the table beside a left one lacks some of its rows: then that one is not only to be dropped."""
    return beside.steps != (DropObject("table", beside.table, beside.revision),)


def _beside(look: Look, left: Table, other: Table, by: tuple[str, str]) -> Interruption:
    """What a left-over table is beside one of the name that it was to get, or had."""
    (revision, told), rows = by, look.rows(left)
    gone = (DropObject("table", left.spelling, revision),)
    if not rows:
        return Interruption(left.spelling, f"{told}, and it is empty", gone, revision)
    if not look.rows(other):
        found = f"{told}: it holds {pluralize(rows, 'row')}, and {other.spelling} is empty"
        if own := set(look.own_columns(other)) - {column.spelling for column in left.columns}:
            found = f"{found}, but has {joined(sorted(own))}, which no revision makes"
            return Interruption(left.spelling, found, (), revision)
        return Interruption(left.spelling, found, tuple(_in_place_of(look, left, other, revision)), revision)
    renamed = _renamed(look, left, other)
    beyond = look.ask(RowsBeyond(left.spelling, other.spelling, renamed)).count
    # A column that is not compared may hold the only values: then nothing is known of the rows.
    known = {column.name for column in other.columns} | {new for new, _ in renamed}
    if alone := [column for column in left.columns if column.name not in known]:
        names = ", ".join(column.spelling for column in alone)
        if any(look.ask(ValuesBesides(left.spelling, each.spelling, as_made(each))).count for each in alone):
            found = f"{told}: it has {names}, which {other.spelling} does not have"
            return Interruption(left.spelling, found, (), revision)
    if not beyond:
        found = f"{told}: {other.spelling} has every one of its {pluralize(rows, 'row')}"
        return Interruption(left.spelling, found, gone, revision)
    found = f"{told}: it holds {pluralize(beyond, 'row')} that {other.spelling} does not have"
    return Interruption(left.spelling, found, (), revision)


def _renamed(look: Look, left: Table, other: Table) -> tuple[tuple[str, str], ...]:
    """The columns of a copy that a revision renames on the way, each with its name in the original."""
    copied, original = ({column.name for column in table.columns} for table in (left, other))
    renames = dict.fromkeys(
        (rename.new, rename.old) for _, rename in renames_of(look.history) if rename.table == other.name
    )
    return tuple((new, old) for new, old in renames if new in copied - original and old in original - copied)


def _in_place_of(look: Look, left: Table, other: Table, revision: str) -> Iterator[Step]:
    """One table takes the place of an empty one, and what hangs on that one hangs on it."""
    yield DropObject("table", other.spelling, revision)
    yield RenameTable(left.spelling, other.spelling, revision)
    yield from (CreateObject(kind, one.spelling, one.sql, revision) for kind, one in look.objects(other))
