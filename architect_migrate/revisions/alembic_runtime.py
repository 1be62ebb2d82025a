"""Runtime of Alembic: loads a chain, replays it, and runs its revisions on a given connection."""

from __future__ import annotations

import logging.config
import sqlite3
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from io import StringIO
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError, to_tuple

import alembic
from architect_migrate.core.chain_errors import ChainError, ReplayError, RevisionFailedError, RevisionLosesError
from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.sql_errors import CastLosesError
from architect_migrate.databases.sqlite.alembic_connection import (
    alchemy,
    as_connectable,
    commits,
    do_nothing,
    refuse_commit,
    refuse_ignored_calls,
)
from architect_migrate.databases.sqlite.authorizer import WriteLog, write_log
from architect_migrate.databases.sqlite.connection import still_inside
from architect_migrate.databases.sqlite.recorder import Recording, scratch_connection
from architect_migrate.model.history import History
from architect_migrate.model.revision_graph import Revision, RevisionGraph, ancestry, on_branches
from architect_migrate.revisions.failures import file_errors, place_of, words_of
from architect_migrate.revisions.files import refuse_unreadable, script_folder
from architect_migrate.revisions.streams import apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Runner:
    """Runner of a chain's revisions on one connection; the opener of that connection commits."""

    script: ScriptDirectory
    context: MigrationContext
    connection: sqlite3.Connection

    def upgrade(self, revision: str) -> WriteLog:
        """Run one revision's `upgrade()` and return the log of its writes. Raises RevisionFailedError."""
        return self._call(revision, "upgrade")

    def downgrade(self, revision: str) -> WriteLog:
        """Run one revision's `downgrade()`. Returns and raises as `upgrade`."""
        return self._call(revision, "downgrade")

    def data_step(self, revision: str) -> WriteLog:
        """Run one revision's `data_step()`. Returns and raises as `upgrade`."""
        return self._call(revision, "data_step")

    def _call(self, revision: str, function: str) -> WriteLog:
        with revision_errors(revision, f"{function}()"):
            module: ModuleType = self.script.get_revision(revision).module
            with write_log(self.connection) as seen, refuse_ignored_calls(self.context, self.connection):
                getattr(module, function)()
                # Why: a statement such as INSERT OR ROLLBACK ends the transaction without an exception.
                still_inside(self.connection)
        return seen


# How SQLite begins when it refuses to add a column to a table because of the rows in it.
_REQUIRED, _COMPUTED = "Cannot add a NOT NULL column", "Cannot add a column with non-constant default"


@contextmanager
def revision_errors(revision: str, action: str) -> Iterator[None]:
    """Convert exceptions of a revision to RevisionFailedError; archmig's own errors and Ctrl-C pass through.

    Why BaseException: a revision that calls sys.exit() must not end archmig.
    """
    try:
        yield
    except (TransactionEndedError, CastLosesError) as error:
        raise RevisionFailedError(revision, action, str(error)) from error
    except (ArchmigError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise RevisionFailedError(revision, action, words_of(error), _lint_code(error, action)) from error


def _lint_code(error: BaseException, action: str) -> str:
    """The lint rule that explains why a statement fails on rows; empty for any other error."""
    original = getattr(error, "orig", None) or error
    # Why by text: SQLite reports these two as it reports errors of syntax.
    required = isinstance(original, sqlite3.OperationalError) and str(original).startswith(_REQUIRED)
    computed = isinstance(original, sqlite3.OperationalError) and str(original).startswith(_COMPUTED)
    if not required and not computed and not isinstance(original, sqlite3.IntegrityError):
        return ""
    if action != "upgrade()":
        return "AM501" if action == "downgrade()" else ""
    return "AM301" if required else "AM302"


def is_of_the_schema(error: RevisionFailedError) -> bool:
    """Whether a revision failed by what objects there are, so that it fails whatever rows there are."""
    cause = error.__cause__
    original = getattr(cause, "orig", None) or cause
    if isinstance(error, RevisionLosesError) or isinstance(cause, sa.exc.CompileError | sa.exc.NoSuchTableError):
        return True
    if isinstance(original, sqlite3.OperationalError):
        # A function or a module may be the application's, which makes it where it runs.
        is_missing_code = str(original).startswith(("no such function", "no such module", "no such collation"))
        return original.sqlite_errorcode & 0xFF == sqlite3.SQLITE_ERROR and not is_missing_code
    frames = extract_tb(cause.__traceback__) if isinstance(cause, ValueError | KeyError) else []
    return bool(frames) and Path(frames[-1].filename).is_relative_to(Path(alembic.__file__).parent)


def operate(ini: Path, connection: sqlite3.Connection, work: Callable[[Runner], _Result]) -> _Result:
    """Call `work` with a Runner on `connection`, inside the chain's own env.py, and return its result.

    An env.py that takes `config.attributes["connection"]` (Alembic's cookbook) gets this connection. One that opens
    its own gets an empty database in memory, and its options are used on this connection nevertheless.
    Raises ChainError and what `work` raises.
    """
    with apart():
        config = config_of(ini)
        script = script_of(config, ini)
        return in_environment(config, script, connection, lambda context: work(Runner(script, context, connection)))


def in_environment(
    config: Config, script: ScriptDirectory, connection: sqlite3.Connection, work: Callable[[MigrationContext], _Result]
) -> _Result:
    """Call `work` inside env.py with Alembic's context on `connection`, which `op` uses too. Raises as `operate`."""
    results: list[_Result] = []
    ini = Path(config.config_file_name or "")
    # Why: an env.py that opens a database itself must not open the real one.
    config.set_main_option("sqlalchemy.url", "sqlite://")
    with alchemy(connection) as lent:
        config.attributes["connection"] = lent
        dialect = lent.engine.dialect

        def steps(_heads: Any, context: MigrationContext) -> list[MigrationStep]:
            # Why: an env.py that opened its own connection configured the context on that.
            if not _is_on(context, connection):
                context = MigrationContext.configure(connection=lent, opts=dict(context.opts))
            with Operations.context(context), commits(dialect, refuse_commit):
                results.append(work(context))
            # Why no steps: `work` has done everything, so Alembic must not run or stamp a revision.
            return []

        # Why commits do nothing: an env.py commits what it begins around run_migrations(), and the caller's transaction
        # must stay open.
        with commits(dialect, do_nothing), EnvironmentContext(config, script, fn=steps), file_errors(ini):
            _run_env(script)
    if not results:
        raise ChainError(str(script_folder(ini) / "env.py"), "does not call context.run_migrations()")
    return results[0]


def offline_sql(ini: Path, start: tuple[str, ...], target: tuple[str, ...]) -> str:
    """Return the SQL that leads from some heads (none: base) to others, as `alembic upgrade --sql` prints it."""
    config = config_of(ini)
    config.output_buffer = buffer = StringIO()
    script = script_of(config, ini)

    def steps(current: Any, _context: MigrationContext) -> list[MigrationStep]:
        several: Any = target  # Alembic declares one target and accepts several
        return list(script._upgrade_revs(several, current))  # noqa: SLF001  (what `alembic upgrade` itself calls)

    with (
        apart(),
        EnvironmentContext(config, script, fn=steps, as_sql=True, starting_rev=start or None, destination_rev=target),
        file_errors(ini),
    ):
        _run_env(script)
    return buffer.getvalue()


def _run_env(script: ScriptDirectory) -> None:
    """Run the chain's env.py without its configuration of logging, and without Alembic's INFO lines.

    Why: env.py as Alembic writes it calls `fileConfig`, which replaces the handlers of the whole process and puts
    Alembic's progress among archmig's output. Logging belongs to the process: the command line, or an application.
    """
    logger, configure = logging.getLogger("alembic"), logging.config.fileConfig
    level = logger.level
    logger.setLevel(max(level, logging.WARNING))
    logging.config.fileConfig = lambda *_, **__: None
    try:
        script.run_env()
    finally:
        logging.config.fileConfig = configure
        logger.setLevel(level)


def replay(ini: Path, scratch: Path, draft: Path | None, note: Callable[[str], None]) -> History:
    """Run the whole chain on an empty database at `scratch`, and read the schema after each revision.

    With `draft`, a folder with one more revision, that one is downgraded at the end: `replayed` is then one longer than
    the revisions. `note` gets the revision that runs. Raises ReplayError, also if env.py opened another database than
    the scratch database, or if not every revision was reached.
    """
    config = config_of(ini)
    config.set_main_option("sqlalchemy.url", f"sqlite:///{scratch}".replace("%", "%%"))
    progress = _Progress(note)
    try:
        script = script_of(config, ini, draft)
        recorder = _Recorder(script, scratch, progress, draft)
        # Why StaticPool: every checkout is the same connection, so Alembic and the recorder see one transaction.
        engine = sa.create_engine(
            "sqlite://", creator=lambda: scratch_connection(scratch), poolclass=sa.pool.StaticPool
        )
        with engine.connect() as connection:
            config.attributes["connection"] = as_connectable(connection)
            with EnvironmentContext(config, script, fn=recorder.steps, destination_rev="heads"):
                script.run_env()
        engine.dispose()
    except ChainError as error:
        place, cause = ("", error.problem) if error.subject == str(ini) else (error.subject, error.problem)
        raise ReplayError(str(ini), progress.current, cause, place) from error
    except (Exception, SystemExit) as error:
        raise ReplayError(str(ini), progress.current, words_of(error), place_of(error)) from error
    if not recorder.is_complete:
        raise _stopped(ini, progress)
    taken, revisions = recorder.recording, recorder.revisions
    digests = tuple(taken.digests[: len(revisions)])
    return History(RevisionGraph(revisions, digests, taken.version_table), tuple(taken.found))


@dataclass(slots=True)
class _Progress:
    """How far a replay is: the revision that runs, told to `note`, and an exception that one of them raised."""

    note: Callable[[str], None]
    current: str = ""
    raised: BaseException | None = None

    def begin(self, revision: str) -> None:
        self.current = revision
        self.note(revision)


def _stopped(ini: Path, progress: _Progress) -> ReplayError:
    """Return the error for an env.py that went on although a revision failed, or that did not run all of them."""
    if progress.raised:
        place, cause = place_of(progress.raised), f"{words_of(progress.raised)}, which env.py ignores"
    elif progress.current:
        place, cause = "", "env.py stopped there"
    else:
        place, cause = str(script_folder(ini) / "env.py"), "it does not run the chain (context.run_migrations())"
    return ReplayError(str(ini), progress.current, cause, place)


class _Recorder:
    """Recorder of a replay: yields the chain's steps to Alembic and records the changes of each."""

    def __init__(self, script: ScriptDirectory, scratch: Path, progress: _Progress, draft: Path | None) -> None:
        self.script, self.scratch, self.progress = script, scratch, progress
        self.is_complete = False
        scripts = list(script.walk_revisions())
        self.drafted = [each for each in scripts if draft and Path(each.path).is_relative_to(draft.resolve())]
        self.revisions = tuple(reversed([revision_of(each) for each in scripts]))
        self.recording = Recording("alembic_version")

    def steps(self, heads: Any, context: MigrationContext) -> Iterator[MigrationStep]:
        connection = self._proven(context)
        self.recording = Recording(context.version_table)
        upgrade = self.script._upgrade_revs("heads", heads)  # noqa: SLF001  (what `alembic upgrade` itself iterates)
        steps = {step.revision.revision: step for step in upgrade}
        self.revisions = _trunk_first(tuple(revision_of(self.script.get_revision(each)) for each in steps))
        for step in (steps[revision.id] for revision in self.revisions):
            self.progress.begin(step.revision.revision)
            self._watch_data_step(step.revision.module)
            step.migration_fn = self._noticed(step.migration_fn)
            with self.recording.of(connection, step.revision.revision):
                yield step
        for script in self.drafted:
            self.progress.begin(f"{script.revision} (downgrade)")
            with self.recording.of(connection, self.progress.current):
                yield MigrationStep.downgrade_from_script(self.script.revision_map, script)
        self.progress.begin("")
        self.is_complete = True

    def _noticed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Keep the exception that a revision raises, since an env.py may ignore it."""

        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            try:
                return function(*arguments, **named)
            except BaseException as error:
                self.progress.raised = error
                raise

        return run

    def _watch_data_step(self, module: ModuleType) -> None:
        """Tell the recording when `data_step()` runs: its rows are judged by another rule than those of `upgrade()`."""
        step = getattr(module, "data_step", None)
        if not callable(step):
            return

        @wraps(step)
        def watched(*arguments: Any, **named: Any) -> Any:
            self.recording.in_data_step = True
            try:
                return step(*arguments, **named)
            finally:
                self.recording.in_data_step = False

        setattr(module, "data_step", watched)  # noqa: B010  (mypy knows no such attribute of a module)

    def _proven(self, context: MigrationContext) -> sqlite3.Connection:
        """Return the driver's connection to the scratch database. Raises ChainError for any other database."""
        driver = _driver(context)
        if driver is None:
            raise ChainError(str(self.scratch), "the chain's env.py opened a database that is not SQLite")
        # Why PRAGMA database_list: only SQLite knows which file the connection really has open.
        files = [row[2] for row in driver.execute("PRAGMA database_list") if row[1] == "main"]
        if not files or not files[0] or not self.scratch.samefile(files[0]):
            raise ChainError(str(self.scratch), f"the chain's env.py opened {files} instead of the scratch database")
        return driver


def _trunk_first(revisions: tuple[Revision, ...]) -> tuple[Revision, ...]:
    """Sort revisions so that those on no labelled branch come first.

    Why: the replay then passes through the schema of a database without the branches, and records its digest.
    """
    graph = RevisionGraph(revisions)
    trunk = ancestry(graph, frozenset(graph.order) - on_branches(graph))
    return tuple(sorted(revisions, key=lambda revision: revision.id not in trunk))


def revision_of(script: Any) -> Revision:
    """Convert one of Alembic's scripts to a Revision."""
    module = script.module
    return Revision(
        id=script.revision,
        parents=tuple(sorted(script._all_down_revisions)),  # noqa: SLF001  (down_revision and depends_on, resolved)
        title=(script.doc or "").strip().splitlines()[0].rstrip(".") if script.doc else "",
        legacy_version=str(getattr(module, "legacy_version", "")),
        legacy_aliases=tuple(str(one) for one in getattr(module, "legacy_aliases", ())),
        data_step=_does_something(getattr(module, "data_step", None)),
        labels=tuple(to_tuple(getattr(module, "branch_labels", None), default=())),
        down=tuple(script._versioned_down_revisions),  # noqa: SLF001  (down_revision, as a tuple)
    )


def _does_something(function: Any) -> bool:
    """Return whether a function uses any name; the empty function of the template does not."""
    code = getattr(function, "__code__", None)
    return callable(function) and (code is None or bool(code.co_names or code.co_freevars))


def config_of(ini: Path) -> Config:
    """Return Alembic's configuration of a chain. Raises ChainError."""
    script_folder(ini)
    return Config(str(ini), attributes={"archmig": True})


def unloaded_script(config: Config, ini: Path) -> ScriptDirectory:
    """Return the chain's folders and options, without loading its revisions. Raises ChainError."""
    with file_errors(ini), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated options of alembic.ini are reported by Alembic's own commands
        return ScriptDirectory.from_config(config)


def chain_folders(ini: Path) -> tuple[str, ...]:
    """Return the folders of a chain: its script_location and its version_locations. Raises ChainError."""
    script = unloaded_script(config_of(ini), ini)
    return (str(script.dir), *map(str, script._version_locations))  # noqa: SLF001  (it includes default folders)


def script_of(config: Config, ini: Path, draft: Path | None = None) -> ScriptDirectory:
    """Return the chain with its revisions loaded, those in the folder `draft` included. Raises ChainError."""
    # Why another one: Alembic remembers the folders when they are asked for, and there may be more of them below.
    for folder in unloaded_script(config, ini)._version_locations:  # noqa: SLF001  (it includes default folders)
        refuse_unreadable(Path(folder))
    script = unloaded_script(config, ini)
    with apart(), file_errors(ini), warnings.catch_warnings():
        warnings.filterwarnings("error", "Revision .* is present more than once")  # else Alembic would pick a file
        warnings.filterwarnings("ignore", "Revision .* referenced from .* is not present")  # an error follows
        if draft:
            script.version_locations = [*(script.version_locations or [f"{script.dir}/versions"]), str(draft)]
        try:
            script.get_heads()
        except TypeError as error:
            raise ChainError(str(ini), f"a revision id or down_revision is not a string: {error}") from error
        return script


@contextmanager
def command_errors(shown: Callable[[str], str]) -> Iterator[None]:
    """Convert archmig's and the system's errors to CommandError, which Alembic prints on one line.

    `shown` makes the message safe to print.
    """
    try:
        yield
    except (ArchmigError, OSError, sqlite3.Error) as error:
        raise CommandError(shown(" ".join(str(error).split()))) from error


def _driver(context: MigrationContext) -> sqlite3.Connection | None:
    connection = context.connection
    driver = connection.connection.driver_connection if connection is not None else None
    return driver if isinstance(driver, sqlite3.Connection) else None


def _is_on(context: MigrationContext, connection: sqlite3.Connection) -> bool:
    return _driver(context) is connection
