"""A plan as a value: the steps that bring one database to its target, in the order in which they are executed.

`--dry-run` prints this very value and apply executes it. Steps that repair are named for what they do to the
database; `revision` is the one whose effect they complete (empty where none is).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from architect_migrate.core import codec
from architect_migrate.core.names import fold
from architect_migrate.core.text import pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.model.diff import Change
    from architect_migrate.model.environment import Resolution, Tracker
    from architect_migrate.planning.table_edits import Edit


@dataclass(frozen=True, slots=True)
class RunRevision:
    """Call a revision's `upgrade()`, its data step included; it is recorded by the stamp that follows."""

    revision: str


@dataclass(frozen=True, slots=True)
class RunOutside(RunRevision):
    """Call the `upgrade()` of a revision that leaves the transaction; `does` are words for what it does outside."""

    does: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunDowngrade:
    """Call a revision's `downgrade()`."""

    revision: str


@dataclass(frozen=True, slots=True)
class RunDataStep:
    """Call a revision's `data_step()`: its rows, where they are missing."""

    revision: str


@dataclass(frozen=True, slots=True)
class RunRows:
    """Run the row statements of a revision whose objects are there: a person said that they did not run."""

    revision: str
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreateObject:
    """Create a table, index, trigger or view from the text that the chain stores for it."""

    kind: str
    name: str
    sql: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class DropObject:
    """Drop an index, trigger or view that is created again in the chain's shape, or anything that was told to go.

    `sql` is the statement, where the kind and the name are not enough for one.
    """

    kind: str
    name: str
    revision: str = ""
    sql: str = ""


class References(StrEnum):
    """What becomes of views, triggers and keys that refer to a table by the name that it loses."""

    STAY = "stay"
    FOLLOW = "follow"


@dataclass(frozen=True, slots=True)
class RenameTable:
    """Give a table the name that an interrupted run did not come to give it.

    Where another table is to get the old name, or had the new one, references are left alone; else they follow.
    """

    table: str
    new: str
    revision: str = ""
    references: str = References.STAY


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """Give a column the name that an interrupted run did not come to give it."""

    table: str
    column: str
    new: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class AddColumn:
    """Add a column by ALTER TABLE, which touches no row."""

    table: str
    column: str
    definition: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class DropColumn:
    """Drop a column that a [[resolve]] entry told to go; `sql` as for an object."""

    table: str
    column: str
    revision: str = ""
    sql: str = ""


@dataclass(frozen=True, slots=True)
class RebuildTable:
    """Give a table another shape by editing its text; `fill` are (column, SQL expression over the old row)."""

    table: str
    edits: tuple[Edit, ...]
    fill: tuple[tuple[str, str], ...] = ()
    sql: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class AlterObject:
    """Give a table or another object its shape by statements of the database's own, one after another.

    `changes` say in words what they do, `around` which objects they take down and make again, and `lock` which lock
    they hold on a table until the end. `rewrites` says how much is written anew, in words; empty for nothing.
    `fill` are (column, SQL expression over the row), `converted` the columns that get another type, with their tables.
    """

    kind: str
    name: str
    changes: tuple[str, ...]
    statements: tuple[str, ...]
    around: tuple[str, ...] = ()
    lock: str = ""
    rewrites: str = ""
    fill: tuple[tuple[str, str], ...] = ()
    converted: tuple[tuple[str, str], ...] = ()
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Record these heads in Alembic's version table."""

    revisions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Prove and commit what was done so far, which brings the database to a position. The rest is another transaction.

    `revisions` are the heads of the position, `why` says what forbids one transaction.
    """

    position: frozenset[str]
    revisions: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A row of the legacy tracker for a number that it lacks; its time is that of the run."""

    version: str
    description: str
    checksum: str


@dataclass(frozen=True, slots=True)
class CorrectRow:
    """Other words in the row of a number; `was` tells those that are there now."""

    version: str
    description: str
    checksum: str
    was: str


@dataclass(frozen=True, slots=True)
class ForgetRow:
    """No row any more for a number of which not everything is applied; `was` tells what the row says."""

    version: str
    was: str


TrackerChange = RecordRow | CorrectRow | ForgetRow


@dataclass(frozen=True, slots=True)
class SyncTracker:
    """Make the legacy tracker's rows true; `columns` are those of it that are there (none: it is made first)."""

    tracker: Tracker
    columns: tuple[str, ...]
    changes: tuple[TrackerChange, ...]

    @property
    def table(self) -> str:
        """The tracker's table."""
        return self.tracker.table


# What the package of a kind of database executes by itself.
RepairStep = (
    CreateObject | DropObject | RenameTable | RenameColumn | AddColumn | DropColumn | RebuildTable | AlterObject
)
Step = RunRevision | RunOutside | RunDowngrade | RunDataStep | RunRows | RepairStep | Stamp | Checkpoint | SyncTracker


@dataclass(frozen=True, slots=True)
class Work:
    """What one or more changes take: steps in order, and what forbids them."""

    steps: tuple[Step, ...] = ()
    blockers: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done and what stands in the way.

    With any of `blockers` nothing is done at all. `kept` are differences that a [[resolve]] entry allows, with
    the entry. `before` is the position at which repair ends, `after` the one that the chain is then run to.
    """

    steps: tuple[Step, ...]
    blockers: tuple[Finding, ...]
    kept: tuple[tuple[Change, Resolution], ...]
    before: frozenset[str]
    after: frozenset[str]

    @property
    def in_the_way(self) -> str:
        """How many things stand in the way, in words."""
        return f"{pluralize(len(self.blockers), 'thing stands', 'things stand')} in the way"


def headline(step: Step) -> str:
    """A step in a line."""
    match step:
        case RunOutside():
            return f"run revision {step.revision}, outside of a transaction: {', '.join(step.does)}"
        case RunRevision():
            return f"run revision {step.revision}"
        case RunDowngrade():
            return f"take back revision {step.revision}"
        case RunDataStep():
            return f"insert the rows of {step.revision} that are missing"
        case RunRows():
            return f"run the {pluralize(len(step.statements), 'row statement')} of {step.revision}"
        case CreateObject():
            return f"create {step.kind} {step.name}"
        case DropObject():
            return f"drop {step.kind} {step.name}"
        case RenameTable():
            return f"rename table {step.table} to {step.new}"
        case RenameColumn():
            return f"rename column {step.table}.{step.column} to {step.new}"
        case AddColumn():
            return f"add column {step.table}.{step.column}"
        case DropColumn():
            return f"drop column {step.table}.{step.column}"
        case RebuildTable():
            return f"rebuild table {step.table}: {', '.join(edit_words(edit) for edit in step.edits)}"
        case AlterObject():
            costs = "; ".join(_costs(step))
            return f"alter {step.kind} {step.name}: {', '.join(step.changes)}" + f" ({costs})" * bool(costs)
        case Stamp():
            return f"stamp {', '.join(step.revisions) or 'base'}"
        case Checkpoint():
            return f"prove and commit, at {', '.join(step.revisions) or 'base'}: {step.why}"
        case SyncTracker():
            true = " true" if step.columns else ""
            return f"make the tracker {step.table}{true}: {', '.join(_numbers(step.changes))}"
        case _:
            assert_never(step)


def _costs(step: AlterObject) -> Iterator[str]:
    """What a step does beside its changes: what it takes down, locks and writes anew."""
    if step.around:
        yield f"takes down and makes again {', '.join(step.around)}"
    if step.lock:
        yield f"holds {'an' if step.lock[0] in 'AEIOU' else 'a'} {step.lock} lock"
    if step.rewrites:
        yield f"rewrites {step.rewrites}"


def _numbers(changes: tuple[TrackerChange, ...]) -> Iterator[str]:
    for kind, verb in ((RecordRow, "add"), (CorrectRow, "correct"), (ForgetRow, "remove")):
        its = [change.version for change in changes if isinstance(change, kind)]
        if its:
            yield f"{verb} {', '.join(_runs(its))}"


def _runs(numbers: list[str]) -> Iterator[str]:
    """Numbers in their order, more than two consecutive ones drawn together: `003, 008..012`."""
    start = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or not _follows(numbers[at - 1], numbers[at]):
            yield from numbers[start:at] if at - start < 3 else [f"{numbers[start]}..{numbers[at - 1]}"]
            start = at


def _follows(before: str, after: str) -> bool:
    return before.isdecimal() and after == str(int(before) + 1).zfill(len(before))


def change_words(change: TrackerChange) -> str:
    """What happens to a row of the tracker, with what it said before."""
    match change:
        case RecordRow():
            return f"row {change.version} added"
        case CorrectRow():
            return f"row {change.version} corrected; it was {change.was}"
        case ForgetRow():
            return f"row {change.version} removed; it was {change.was}"
        case _:
            assert_never(change)


def edit_words(edit: Edit) -> str:
    """An edit in a few words, from its class and its fields: `drop not null title`."""
    name = "".join(f" {word.lower()}" if word.isupper() else word for word in type(edit).__name__).strip()
    parts = [getattr(edit, field) for field in edit.__dataclass_fields__]
    words = (", ".join(part) if isinstance(part, tuple) else str(part) for part in parts)
    return " ".join(filter(None, [name, *words]))


def rewritten(steps: tuple[Step, ...]) -> frozenset[str]:
    """The tables whose rows a plan's own steps write anew: they are compared in full afterwards."""
    own = frozenset(
        fold(step.table) for step in steps if isinstance(step, RebuildTable | DropColumn | RenameColumn | SyncTracker)
    )
    renamed = frozenset(fold(step.new) for step in steps if isinstance(step, RenameTable))
    return (
        own | renamed | frozenset(table for step in steps if isinstance(step, AlterObject) for table in altered(step))
    )


def altered(step: AlterObject) -> frozenset[str]:
    """The tables whose rows a step writes anew."""
    tables = {table for table, _ in step.converted}
    if step.kind == "table" and (step.rewrites or step.fill):
        tables.add(step.name)
    return frozenset(tables)


def plan_digest(plan: Plan, fingerprint: str) -> str:
    """The same for two plans with the same steps, in order, from the same position to the same, on the same chain.

    `fingerprint` is the chain's files': what a revision's step does is written there. How many rows a step writes anew
    does not count: they are others an hour later.
    """
    steps = tuple(replace(each, rewrites="") if isinstance(each, AlterObject) else each for each in plan.steps)
    text = codec.dump((fingerprint, steps, plan.before, plan.after))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
