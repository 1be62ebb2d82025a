"""Runtime of Alembic: loads a chain, replays it, and runs its revisions on a given connection."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep

from architect_migrate.core.chain_errors import (
    ChainError,
    ReplayError,
    RevisionFailedError,
    Want,
)
from architect_migrate.databases.alchemy import as_connectable, commits, do_nothing, instead, refuse_commit
from architect_migrate.databases.registry import lender, temporary_of, watching
from architect_migrate.model.history import History
from architect_migrate.model.revision_graph import BASE, RevisionGraph
from architect_migrate.revisions.baseline import (
    Baseline,
    baseline_of,
    begun_otherwise,
    lay_baseline,
    noting_create_all,
    schema_alone,
    title_of,
)
from architect_migrate.revisions.configuration import config_of, in_memory, script_of
from architect_migrate.revisions.environment import env_py, loaded, run_env
from architect_migrate.revisions.failures import (
    file_errors,
    line_in,
    place_of,
    replay_error,
    runs_again,
    runs_before,
    words_of,
)
from architect_migrate.revisions.files import script_folder
from architect_migrate.revisions.revision_errors import revision_errors
from architect_migrate.revisions.scripts import revision_of, trunk_first
from architect_migrate.revisions.streams import apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    import sqlalchemy as sa
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import Writes
    from architect_migrate.model.chain_config import ChainConfig

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Runner:
    """Runner of a chain's revisions on one connection; the opener of that connection commits.

    `arguments` are what env.py passes to `upgrade()` and `downgrade()`.
    """

    script: ScriptDirectory
    context: MigrationContext
    connection: Connection
    chain: ChainConfig
    arguments: dict[str, Any] = field(default_factory=dict)

    def upgrade(self, revision: str) -> Writes:
        """Run one revision's `upgrade()` and return the log of its writes. Raises RevisionFailedError.

        Where the chain's baseline stands for a revision, that is made.
        """
        if self.baseline.contains(revision):
            return self._lay(revision)
        return self._call(revision, "upgrade", self.arguments)

    def downgrade(self, revision: str) -> Writes:
        """Run one revision's `downgrade()`. Returns and raises as `upgrade`."""
        if self.baseline.contains(revision):
            raise RevisionFailedError(
                revision, "downgrade()", "the chain begins with it, so nothing before it is known"
            )
        return self._call(revision, "downgrade", self.arguments)

    def data_step(self, revision: str) -> Writes:
        """Run one revision's `data_step()`. Returns and raises as `upgrade`."""
        return self._call(revision, "data_step", {})

    @property
    def baseline(self) -> Baseline:
        """The chain's baseline. Raises ChainError."""
        if not self.chain.baseline:
            return Baseline()
        own = tuple(revision_of(each) for each in self.script.walk_revisions())
        return baseline_of(self.chain, self.script, own)

    def _lay(self, revision: str) -> Writes:
        """Make the baseline with the revision that stands for it. The other ones leave nothing."""
        with revision_errors(revision, "its baseline"), watching.write_log(self.connection) as seen:
            if revision == self.baseline.carrier:
                lay_baseline(self.chain, self.context.connection, self.connection, self.context.version_table)
            watching.still_inside(self.connection)
        return seen

    def _call(self, revision: str, function: str, arguments: dict[str, Any]) -> Writes:
        with revision_errors(revision, f"{function}()"):
            module: ModuleType = self.script.get_revision(revision).module
            # Why nothing of a commit: a replay heard it, and the plan says that it does nothing.
            taken = lender.refuse_ignored_calls(self.connection, self.context, lambda: None)
            with watching.write_log(self.connection) as seen, taken:
                getattr(module, function)(**arguments)
                # Why: a statement such as INSERT OR ROLLBACK ends the transaction without an exception.
                watching.still_inside(self.connection)
        return seen


def operate(chain: ChainConfig, connection: Connection, work: Callable[[Runner], _Result], **options: Any) -> _Result:
    """Call `work` with a Runner on `connection`, inside the chain's own env.py, and return its result.

    Whichever way env.py comes by its connection, it gets this one (see `lending`), and its options are used on it.
    `options` are those of Alembic's EnvironmentContext: with `dont_mutate` it writes nothing by itself.
    Raises ChainError, OtherDatabaseError and what `work` raises.
    """
    filled = chain.filled(Path(lender.opened_file(connection) or in_memory()))
    with lender.prepared(connection), apart(), file_errors(filled), loaded(filled):
        config = config_of(filled)
        script = script_of(config, filled)

        def run(context: MigrationContext, arguments: dict[str, Any]) -> _Result:
            return work(Runner(script, context, connection, filled, arguments))

        return in_environment(filled, config, script, connection, run, **options)


def in_environment(
    chain: ChainConfig,
    config: Config,
    script: ScriptDirectory,
    connection: Connection,
    work: Callable[[MigrationContext, dict[str, Any]], _Result],
    **options: Any,
) -> _Result:
    """Call `work` inside env.py with Alembic's context on `connection`, which `op` uses too, and return its result.

    `work` also gets the arguments that env.py passes on to the revisions. Raises as `operate`.
    """
    results: list[_Result] = []
    with lender.alchemy(connection) as lent:
        config.attributes["connection"] = lent
        dialect = lent.engine.dialect

        def steps(_heads: Any, context: MigrationContext) -> list[MigrationStep]:
            if not _is_meant(chain, context, connection):
                return []
            if results:
                raise runs_again(chain)
            with _on(connection, lent, context) as ours, Operations.context(ours), commits(dialect, refuse_commit):
                results.append(work(ours, arguments))
            # Why no steps: `work` has done everything, so Alembic must not run or stamp a revision.
            return []

        # Why commits do nothing: an env.py commits what it begins around run_migrations(), and the caller's transaction
        # must stay open.
        with (
            file_errors(chain),
            commits(dialect, do_nothing),
            env_py(chain, config, script, connection, fn=steps, destination_rev="heads", **options) as arguments,
        ):
            run_env(script)
    if not results:
        raise _not_run(chain)
    return results[0]


def _is_meant(chain: ChainConfig, context: MigrationContext, connection: Connection) -> bool:
    """Whether env.py runs the chain on the database of the run.

    An env.py for several databases runs it on each of them. Any other may use an empty database in memory: archmig
    takes the options of its context, not its connection.
    """
    if lender.is_lent_to(connection, context):
        return True
    return not chain.engine and lender.is_in_memory(connection, context)


def _not_run(chain: ChainConfig) -> ChainError:
    file = str(script_folder(chain) / "env.py")
    if not chain.engine:
        return ChainError(file, "does not call context.run_migrations()")
    advice = "correct the engine of this environment; no database was touched"
    return ChainError(file, f"does not run the chain on the database of engine {chain.engine}", advice)


@contextmanager
def _on(connection: Connection, lent: sa.Connection, context: MigrationContext) -> Iterator[MigrationContext]:
    """Return Alembic's context on the lent connection, with the options of env.py.

    Why another one: an env.py that opened an engine of its own configured the context on that, where nothing refuses
    what would end the transaction.
    """
    if context.connection is None or context.connection.engine is lent.engine:
        yield context
        return
    options = {
        name: value
        for name, value in context.connection.get_execution_options().items()
        if name != "isolation_level"  # it belongs to a transaction that env.py would own
    }
    lender.write_as(connection, lent.dialect, context.dialect)
    yield MigrationContext.configure(
        connection=lent.execution_options(**options),
        environment_context=context.environment_context,
        opts=dict(context.opts),
    )


def replay(
    chain: ChainConfig, scratch: Path, draft: Path | None, note: Callable[[str], None], image: Path | None = None
) -> History:
    """Run the whole chain on an empty database at `scratch`, and read the schema after each revision.

    With `draft`, a folder with one more revision, that one is downgraded at the end: `replayed` is then one longer than
    the revisions. `note` gets the revision that runs, `image` the whole database as the chain leaves it. Raises
    ReplayError, also if env.py opened another database than the environment's, or if not every revision was reached.
    """
    progress, filled = _Progress(note), chain.filled(scratch)
    try:
        config = config_of(filled)
        with loaded(filled), temporary_of(chain.kind).scratch(chain.scratch or scratch) as own:
            script = script_of(config, filled, draft)
            recorder = _Recorder(script, own, progress, draft, chain)
            with (
                noting_create_all(lambda: progress.creators.append(progress.current)),
                environment_run(filled, config, script, own, fn=recorder.steps, destination_rev="heads"),
            ):
                if image:
                    # Why not the scratch file: what the chain's code commits is not committed there.
                    image.write_bytes(temporary_of(chain.kind).image_of(own))
    except BaseException as error:
        raise replay_error(chain, progress.current, error, progress.fix) from error
    if not recorder.is_complete:
        raise _stopped(chain, progress) from progress.raised
    return recorder.history()


@contextmanager
def environment_run(
    filled: ChainConfig, config: Config, script: ScriptDirectory, own: Connection, **options: Any
) -> Iterator[None]:
    """Run env.py on a connection of archmig's; what env.py did is there inside the context, and not committed."""
    # Why a lent one: what the chain's code does to its transaction is heard, and does nothing.
    engine = lender.lent_engine_on(own)
    with engine.connect() as connection, env_py(filled, config, script, own, **options):
        config.attributes["connection"] = as_connectable(connection)
        script.run_env()
        yield
    engine.dispose()


@dataclass(slots=True)
class _Progress:
    """How far a replay is: the revision that runs, told to `note`, and an exception that one of them raised.

    `creators` are those that called create_all().
    """

    note: Callable[[str], None]
    current: str = ""
    raised: BaseException | None = None
    creators: list[str] = field(default_factory=list)

    def fix(self, chain: ChainConfig, cause: str) -> str:
        """Return what to do about a failure, where it is that the chain does not begin at nothing."""
        creator = next((revision for revision in self.creators if revision not in {"", self.current}), "")
        return begun_otherwise(chain, cause, creator) if self.current else ""

    def begin(self, revision: str) -> None:
        self.current = revision
        self.note(revision)


def _stopped(chain: ChainConfig, progress: _Progress) -> ReplayError:
    """Return the error for an env.py that went on although a revision failed, or that did not run all of them."""
    fix = ""
    if progress.raised:
        fix = progress.fix(chain, words_of(progress.raised))
        place, cause = place_of(progress.raised), f"{words_of(progress.raised)}, which env.py ignores"
    elif progress.current:
        place, cause = "", "env.py stopped there"
    else:
        place, cause = str(script_folder(chain) / "env.py"), "it does not run the chain (context.run_migrations())"
    return ReplayError(str(chain.ini), progress.current, cause, place, fix, Want.BASELINE if fix else None)


class _Recorder:
    """Recorder of a replay: yields the chain's steps to Alembic and records the changes of each."""

    def __init__(
        self,
        script: ScriptDirectory,
        connection: Connection,
        progress: _Progress,
        draft: Path | None,
        chain: ChainConfig,
    ) -> None:
        self.script, self.connection, self.progress, self.chain = script, connection, progress, chain
        self.is_complete = False
        scripts = list(script.walk_revisions())
        self.drafted = [each for each in scripts if draft and Path(each.path).is_relative_to(draft.resolve())]
        self.revisions = tuple(reversed([revision_of(each) for each in scripts]))
        self.baseline = baseline_of(chain, script, self.revisions)
        self.recording = lender.recording(connection, "alembic_version")
        self.functions: tuple[str, ...] = ()
        self.callbacks: tuple[str, ...] = ()

    def history(self) -> History:
        """Return the chain as it was recorded."""
        taken, revisions = self.recording, self.revisions
        digests = tuple(taken.digests[: len(revisions)])
        graph = RevisionGraph(revisions, digests, taken.version_table, self.functions, self.callbacks)
        return History(graph, tuple(taken.found))

    def steps(self, heads: Any, context: MigrationContext) -> Iterator[MigrationStep]:
        connection = self.connection
        if not lender.is_lent_to(connection, context):
            # An env.py for several databases runs the chain on each of them.
            if self.chain.engine:
                return
            place = str(script_folder(self.chain) / "env.py")
            raise ChainError(place, "runs the chain on a database in memory instead of the environment's")
        if self.is_complete:
            raise runs_again(self.chain)
        if heads:
            raise runs_before(self.chain, str(heads[0]))
        self.recording = lender.recording(connection, context.version_table, partial(line_in, self.chain))
        # Why not called, as in a run: what one writes would be taken for what the revision does.
        self.callbacks = tuple(getattr(each, "__name__", "?") for each in context.on_version_apply_callbacks)
        context.on_version_apply_callbacks = ()
        lent = lender.let_alembic_act(connection, context, self.recording.hear_setting, self.recording.hear_again)
        upgrade = self.script._upgrade_revs("heads", heads)  # noqa: SLF001  (what `alembic upgrade` itself iterates)
        steps = {step.revision.revision: step for step in upgrade}
        own = trunk_first(tuple(revision_of(self.script.get_revision(each)) for each in steps))
        self.revisions = self.baseline.revisions(own, title_of(self.chain))
        if self.baseline.carrier == BASE:
            self._begin(context)
        for step in (steps[revision.id] for revision in self.revisions if revision.id != BASE):
            self.progress.begin(step.revision.revision)
            self._watch_data_step(step.revision.module)
            step.migration_fn = self._function(step.revision.revision, step.migration_fn, context, lent)
            with (
                self.recording.of(connection, step.revision.revision),
                instead(context, "autocommit_block", partial(self.recording.autocommit, connection)),
            ):
                yield step
        self._without_rows_of_the_baseline()
        for script in self.drafted:
            self.progress.begin(f"{script.revision} (downgrade)")
            with self.recording.of(connection, self.progress.current):
                yield MigrationStep.downgrade_from_script(self.script.revision_map, script)
        self.functions = self.recording.functions(connection)
        self.progress.begin("")
        self.is_complete = True

    def _begin(self, context: MigrationContext) -> None:
        """Make and record what is there before the first revision."""
        self.progress.begin(BASE)
        with self.recording.of(self.connection, BASE):
            lay_baseline(self.chain, context.connection, self.connection, context.version_table)
        # Why: the first revision begins outside of a transaction, as it does on an empty database.
        lender.commit(self.connection)

    def _function(
        self, revision: str, function: Callable[..., Any], context: MigrationContext, lent: object
    ) -> Callable[..., Any]:
        """Return what is called for a revision: its own function, unless the baseline stands for it."""
        if not self.baseline.contains(revision):
            return self._noticed(function, context, lent)

        def laid(**_: Any) -> None:
            if revision == self.baseline.carrier:
                lay_baseline(self.chain, context.connection, self.connection, context.version_table)

        return laid

    def _without_rows_of_the_baseline(self) -> None:
        """Leave the schema of the baseline, at the revision that stands for it."""
        for at, revision in enumerate(self.revisions):
            if revision.baseline:
                self.recording.found[at] = schema_alone(self.recording.found[at])
                # Why: the schema at the other ones is not known, so no database may be found to have it.
                self.recording.digests[at] *= revision.id == self.baseline.carrier

    def _noticed(self, function: Callable[..., Any], context: MigrationContext, lent: object) -> Callable[..., Any]:
        """Note what a revision does to its transaction, and keep its exception, since an env.py may ignore it."""
        recording, connection = self.recording, context.connection
        assert connection is not None

        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            taken = lender.taken_over(
                self.connection, connection.engine, recording.commits, partial(recording.refuse, "roll back")
            )
            try:
                with taken, instead(lent, "tries", recording.refuse):
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
