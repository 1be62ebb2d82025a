"""Prints the statements of downgrades without a database, as Alembic's offline mode does."""

from __future__ import annotations

import warnings
from io import StringIO
from typing import TYPE_CHECKING

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from architect_migrate.revisions.configuration import config_of, script_of

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

    from architect_migrate.model.chain_config import ChainConfig


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
