"""Trial calls of revision files' functions inside the chain's own env.py."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from alembic.operations import BatchOperations, Operations
from alembic.operations.ops import AlterColumnOp, DropColumnOp, DropConstraintOp, DropIndexOp
from alembic.runtime.migration import MigrationContext
from alembic.util.pyfiles import load_python_file

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.core.names import fold
from architect_migrate.databases.alchemy import instead
from architect_migrate.databases.registry import lender, trials
from architect_migrate.lint.trial import Trial
from architect_migrate.revisions.alembic_runtime import in_environment
from architect_migrate.revisions.baseline import lay_baseline
from architect_migrate.revisions.configuration import config_of, in_memory, unloaded_script
from architect_migrate.revisions.files import script_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType, TracebackType

    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.statement import Object
    from architect_migrate.model.chain_config import ChainConfig

_Result = TypeVar("_Result")


def version_files(chain: ChainConfig) -> tuple[tuple[Path, ...], str]:
    """Return every revision file of a chain, sorted by name, and the chain's file_template. Raises ChainError."""
    config = config_of(chain)
    config.set_main_option("prepend_sys_path", "")  # nothing is imported here, so sys.path must stay unchanged
    # Why by its folder: Alembic imports the package of `package:folder`, which may be found by prepend_sys_path alone.
    config.set_main_option("script_location", str(script_folder(chain)).replace("%", "%%"))
    script = unloaded_script(config, chain)
    folders = [Path(location) for location in script._version_locations]  # noqa: SLF001  (it includes default folders)
    listed = (
        path
        for folder in folders
        for path in (folder.rglob("*.py") if script.recursive_version_locations else folder.glob("*.py"))
    )
    wanted = {path for path in listed if not path.name.startswith(("__init__", ".#"))}
    return tuple(sorted(wanted, key=lambda revision: (revision.name, str(revision)))), script.file_template


@dataclass(frozen=True, slots=True)
class TrialEnvironment:
    """Environment of a trial: a connection, and of the chain's own env.py the options, version table and arguments."""

    connection: Connection
    options: Mapping[str, Any]
    version_table: str
    arguments: Mapping[str, Any]


def in_trial_environment(chain: ChainConfig, work: Callable[[TrialEnvironment], _Result]) -> _Result:
    """Call `work` on an empty database in memory, inside the chain's env.py, and return its result.

    Raises ChainError and what `work` raises.
    """
    connection = trials.opened()
    filled = chain.filled(in_memory())
    config = config_of(filled)

    def begin(context: MigrationContext, arguments: dict[str, Any]) -> _Result:
        return work(TrialEnvironment(connection, dict(context.opts), context.version_table, arguments))

    return in_environment(filled, config, unloaded_script(config, filled), connection, begin)


def lay(chain: ChainConfig, trial_environment: TrialEnvironment) -> None:
    """Make the chain's baseline, if it has one, in the database of a trial. Raises ChainError."""
    if not chain.baseline:
        return
    with lender.alchemy(trial_environment.connection) as lent:
        lay_baseline(chain, lent, trial_environment.connection, trial_environment.version_table)


def load(file: str) -> ModuleType:
    """Import a revision file as a module. Raises any exception of its code."""
    path = Path(file)
    return load_python_file(str(path.parent), path.name)


def attempt(trial_environment: TrialEnvironment, module: ModuleType, function: str) -> Trial:
    """Call a function of a revision file and record each statement; a failed one does not stop the others.

    Why a new SQLAlchemy connection for each call: a revision may change its state.
    Raises TransactionEndedError if SQLite rolled back the whole transaction, and with it the database.
    """
    connection, file = trial_environment.connection, str(module.__file__)
    raised, line, refused = "", 0, ""
    with lender.alchemy(connection) as lent, trials.probing(connection, file) as tried, _batch_requests() as asked:
        context = MigrationContext.configure(connection=lent, opts=dict(trial_environment.options))
        try:
            taken = lender.taken_over(
                connection, lent.engine, partial(_refuse, "commit"), partial(_refuse, "roll back")
            )
            with Operations.context(context), instead(context, "autocommit_block", nullcontext), taken:
                getattr(module, function)(**({} if function == "data_step" else trial_environment.arguments))
        except TransactionEndedError as error:
            refused, line = error.attempt, _line(error.__traceback__, file)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (any exception is a result of the trial)
            words = " ".join(str(getattr(error, "orig", "") or error).split())
            raised = f"{type(error).__name__}: {words}" if words else type(error).__name__
            line = _line(error.__traceback__, file)
    if trials.is_ended(connection):
        raise TransactionEndedError("roll back the whole transaction (OR ROLLBACK does)")
    return Trial(function, tuple(tried), raised, line, refused, frozenset(asked))


def _refuse(action: str) -> None:
    raise TransactionEndedError(action)


def _line(trace: TracebackType | None, file: str) -> int:
    """Return the innermost line of a file in a traceback; 0 if the file is not in it."""
    line = 0
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == file else line
        trace = trace.tb_next
    return line


@contextmanager
def _batch_requests() -> Iterator[set[Object]]:
    """Collect the objects that batch operations are asked to drop or alter.

    Why BatchOperations is patched: the copy of the table hides these requests, and no statement shows them.
    """
    asked: set[Object] = set()
    usual = BatchOperations.invoke

    def invoke(self: BatchOperations, operation: Any) -> Any:
        match operation:
            case DropIndexOp():
                asked.add(("index", fold(str(operation.index_name))))
            case DropConstraintOp():
                asked.add(("constraint", ""))
            case DropColumnOp() | AlterColumnOp():
                asked.add(("column", fold(operation.column_name)))
        return usual(self, operation)

    setattr(BatchOperations, "invoke", invoke)  # noqa: B010  (a method, for as long as the trial takes)
    try:
        yield asked
    finally:
        setattr(BatchOperations, "invoke", usual)  # noqa: B010  (as it was)
