"""Prints the statements of upgrades and downgrades without a database, as Alembic's offline mode does."""

from __future__ import annotations

import os
import warnings
from contextlib import chdir, contextmanager
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from architect_migrate.databases.registry import temporary
from architect_migrate.revisions.configuration import config_of, script_of
from architect_migrate.revisions.environment import env_py, loaded, run_env
from architect_migrate.revisions.failures import file_errors
from architect_migrate.revisions.streams import apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.runtime.migration import MigrationStep
    from alembic.script import ScriptDirectory

    from architect_migrate.model.chain_config import ChainConfig


def offline_sql(chain: ChainConfig, start: tuple[str, ...], target: tuple[str, ...]) -> str:
    """Return the SQL that leads from some heads (none: base) to others, as `alembic upgrade --sql` prints it."""
    config = config_of(chain)
    config.output_buffer = buffer = StringIO()
    vars(config.cmd_opts)["sql"] = True
    with file_errors(chain), loaded(chain.filled(Path(os.devnull))):
        script = script_of(config, chain)

    def steps(current: Any, _context: MigrationContext) -> list[MigrationStep]:
        several: Any = target  # Alembic declares one target and accepts several
        return list(script._upgrade_revs(several, current))  # noqa: SLF001  (what `alembic upgrade` itself calls)

    options: dict[str, Any] = {"as_sql": True, "starting_rev": start or None, "destination_rev": target}
    with (
        apart(),
        file_errors(chain),
        temporary.in_memory() as nothing,
        env_py(chain.filled(Path(os.devnull)), config, script, nothing, fn=steps, **options),
        _apart(chain),
    ):
        run_env(script)
    return buffer.getvalue()


@contextmanager
def _apart(chain: ChainConfig) -> Iterator[None]:
    """Work in a folder that is thrown away, where env.py writes a file for each of several databases."""
    if not chain.engine:
        yield
        return
    with TemporaryDirectory(prefix="archmig-sql-") as folder, chdir(folder):
        yield


def offline_downgrades(chain: ChainConfig, revisions: tuple[str, ...]) -> dict[str, str]:
    """The SQL of each revision's `downgrade()`; one that needs a database to say is left out.

    A batch operation has to read the table that it rebuilds, and other code may ask the rows. Raises ChainError.
    """
    script = script_of(config_of(chain), chain)
    found = {revision: _statements(script, revision) for revision in revisions}
    return {revision: statements for revision, statements in found.items() if statements is not None}


def _statements(script: ScriptDirectory, revision: str) -> str | None:
    buffer = StringIO()
    context = MigrationContext.configure(dialect_name="sqlite", opts={"as_sql": True, "output_buffer": buffer})
    try:
        with warnings.catch_warnings(), Operations.context(context):
            warnings.simplefilter("ignore")  # warnings of a revision's code are printed when it runs
            script.get_revision(revision).module.downgrade()
    except (Exception, SystemExit):  # noqa: BLE001  (a revision's code may raise anything where there is no database)
        return None
    return buffer.getvalue().strip()
