"""Trial of one revision: upgrade, downgrade, both on tables with rows, and its data step a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from architect_migrate.databases.registry import dialect, marks, reader, trials
from architect_migrate.lint.attempt import attempt
from architect_migrate.lint.trial import TriedRevision
from architect_migrate.model.schema import Schema

if TYPE_CHECKING:
    from types import ModuleType

    from architect_migrate.databases.base import Connection
    from architect_migrate.lint.attempt import TrialEnvironment
    from architect_migrate.lint.trial import Trial
    from architect_migrate.model.schema import Table
    from architect_migrate.revisions.source_file import RevisionFile

_DATA_STEP = "data_step"


@dataclass(slots=True)
class TrialDatabase:
    """A scratch database on which revisions are tried in order, with its current schema."""

    trial_environment: TrialEnvironment
    schema: Schema = field(default_factory=Schema)
    seen: dict[str, Schema] = field(default_factory=dict)

    @property
    def connection(self) -> Connection:
        """The connection to the scratch database."""
        return self.trial_environment.connection

    def look(self) -> Schema:
        """Read the schema and make it the current one."""
        self.schema = self.read()
        return self.schema

    def read(self) -> Schema:
        """Read the schema without Alembic's version table."""
        hidden = [self.trial_environment.version_table]
        # Why a cache by digest: trials return to the same schemas, and reading one is slow.
        current = marks.digest(self.connection, hidden)
        if current not in self.seen:
            self.seen[current] = reader.read_schema(self.connection, hidden)
        return self.seen[current]


@dataclass(frozen=True, slots=True)
class _WithRows:
    """Results of the trials on tables with rows."""

    up: Trial | None = None
    down: Trial | None = None
    again: str = ""
    overwritten: tuple[str, ...] = ()
    filled: frozenset[str] = frozenset()


def try_out(trial_database: TrialDatabase, file: RevisionFile, module: ModuleType) -> TriedRevision:
    """Try a revision in every way, and leave the database as its upgrade() makes it.

    Raises TransactionEndedError if SQLite rolled back the whole transaction.
    """
    connection, before = trial_database.connection, trial_database.schema
    had = {one[:2] for one in trials.not_working(connection, before)}
    # Why a savepoint: the trial with rows starts again from the schema before upgrade().
    connection.execute("SAVEPOINT archmig_revision")
    up = attempt(trial_database.trial_environment, module, "upgrade")
    after = trial_database.look()
    down, returned = _back(trial_database, file, module) if up.sound else (None, None)
    rows = _WithRows()
    if up.sound and _meets_rows(before, file, up, down):
        connection.execute("ROLLBACK TO archmig_revision")
        with trials.undone(connection):
            rows = _with_rows(trial_database, before, file, module)
        attempt(trial_database.trial_environment, module, "upgrade")
    connection.execute("RELEASE archmig_revision")
    return TriedRevision(
        file,
        up,
        (before, after, returned),
        down,
        rows.up,
        rows.down,
        rows.again,
        rows.overwritten,
        rows.filled,
        tuple(one for one in trials.not_working(connection, after) if one[:2] not in had) if after != before else (),
        trials.mismatched_keys(connection, before, after) if after != before else (),
    )


def _meets_rows(before: Schema, file: RevisionFile, up: Trial, down: Trial | None) -> bool:
    """Return whether rows can matter: the revision touches or reads existing tables, or has a data step."""
    there = {table.name for table in before.tables}
    statements = (*up.statements, *(down.statements if down else ()))
    # A loop over SELECT touches nothing as long as the tables are empty, but it names them.
    named = (dialect.words_of(statement.sql) for statement in up.statements)
    touched = (statement.effects.touched for statement in statements)
    return file.has(_DATA_STEP) or any(names & there for names in (*touched, *named))


def _back(trial_database: TrialDatabase, file: RevisionFile, module: ModuleType) -> tuple[Trial | None, Schema | None]:
    """Try the downgrade, undo it, and return the trial with the schema that it left."""
    if not _callable(file, "downgrade"):
        return None, None
    with trials.undone(trial_database.connection):
        down = attempt(trial_database.trial_environment, module, "downgrade")
        return down, trial_database.read()


def _callable(file: RevisionFile, name: str) -> bool:
    function = file.function(name)
    return file.has(name) and (function is None or not function.required)


def _with_rows(trial_database: TrialDatabase, before: Schema, file: RevisionFile, module: ModuleType) -> _WithRows:
    filled = trials.fill(trial_database.connection, before)
    up = attempt(trial_database.trial_environment, module, "upgrade")
    if not up.sound:
        return _WithRows(up, filled=filled)
    after = trial_database.read()
    again, overwritten = _once_more(trial_database.trial_environment, file, module, after, up)
    if not _callable(file, "downgrade"):
        return _WithRows(up, None, again, overwritten, filled)
    known = {table.name for table in before.tables}
    trials.fill(trial_database.connection, Schema(tuple(table for table in after.tables if table.name not in known)))
    return _WithRows(up, attempt(trial_database.trial_environment, module, "downgrade"), again, overwritten, filled)


def _once_more(
    trial_environment: TrialEnvironment, file: RevisionFile, module: ModuleType, schema: Schema, up: Trial
) -> tuple[str, tuple[str, ...]]:
    """Run the data step again; return a description of its changes, and the tables whose edited rows it overwrites."""
    if not _callable(file, _DATA_STEP):
        return "", ()
    ran = [statement for statement in up.statements if _DATA_STEP in statement.functions]
    if not ran:
        ran = list(attempt(trial_environment, module, _DATA_STEP).statements)
    connection = trial_environment.connection
    written = {
        name
        for statement in ran
        for name in statement.effects.inserted | statement.effects.updated | statement.effects.deleted
    }
    tables = [table for table in schema.tables if table.name in written and not table.module]
    with trials.undone(connection):
        before = trials.rows_of(connection, tables)
        second = attempt(trial_environment, module, _DATA_STEP)
        after = trials.rows_of(connection, tables)
    changed = ", ".join(name for name, rows in before.items() if not _same(rows, after[name]))
    if not second.sound:
        return f"it fails: {second.raised or second.failed[0].error}", ()
    if changed:
        return f"it changes {changed} again", ()
    with trials.undone(connection):
        return "", _overwritten(trial_environment, module, tables)


def _same(before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]) -> bool:
    """Return whether rows are equal, apart from timestamps. Why: a data step may write the current time."""
    if len(before) != len(after):
        return False
    pairs = ((a, b) for old, new in zip(before, after, strict=True) for a, b in zip(old, new, strict=True))
    return all(a == b or (_is_moment(a) and _is_moment(b)) for a, b in pairs)


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _overwritten(trial_environment: TrialEnvironment, module: ModuleType, tables: list[Table]) -> tuple[str, ...]:
    """Return the tables in which another run overwrites edits of columns that identify no row."""
    connection = trial_environment.connection
    ways = trials.edit_rows(connection, tables)
    before = {name: set(connection.execute(sql)) for name, sql in ways.items()}
    attempt(trial_environment, module, _DATA_STEP)
    return tuple(name for name, sql in ways.items() if before[name] - set(connection.execute(sql)))
