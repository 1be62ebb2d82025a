"""Comparison of models with a replayed chain: `python -m architect_migrate.revisions.autogenerate_process FOLDER`.

FOLDER holds `chain`, its configuration, and `job`: models ("module:metadata") that take the place of those that env.py
has, or nothing. It gets `answer`, or `failed` with a cause.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.autogenerate import RevisionContext, render
from alembic.util import CommandError

from architect_migrate.core.chain_errors import ChainError
from architect_migrate.databases.registry import LOCAL, preload, temporary
from architect_migrate.revisions.alembic_runtime import environment_run, replay
from architect_migrate.revisions.autogenerate import Compared
from architect_migrate.revisions.configuration import config_of, script_of
from architect_migrate.revisions.replay_process import answer, confine, read_chain
from architect_migrate.revisions.streams import refuse_input

if TYPE_CHECKING:
    from alembic.operations.ops import MigrationScript
    from alembic.runtime.migration import MigrationContext

    from architect_migrate.model.chain_config import ChainConfig

_NO_MODELS = "name the models with --models MODULE:METADATA, or set target_metadata in env.py"


def main(arguments: list[str]) -> int:
    """Replay, compare, and return the exit code."""
    folder = Path(arguments[0]).resolve()
    models = (folder / "job").read_text(encoding="utf-8")
    chain = read_chain(folder)
    refuse_input()
    preload(LOCAL)
    confine(folder)

    def work() -> Compared:
        replay(chain, folder / "scratch.db", None, lambda _: None, folder / "image.db")
        return compare(chain, folder / "image.db", models)

    return answer(folder, work)


def compare(chain: ChainConfig, image: Path, models: str) -> Compared:
    """Compare models with the schema of a database that the chain made, as `alembic revision --autogenerate` does."""
    filled = chain.filled(image)
    config = config_of(filled)
    script = script_of(config, filled)
    asked = {"sql": False, "autogenerate": True, "message": None, "rev_id": None, "head": "head", "splice": False}
    asked |= {"branch_label": None, "version_path": None, "depends_on": None}
    revisions = RevisionContext(config, script, asked)

    def compared(heads: Any, context: MigrationContext) -> list[Any]:
        if models:
            module, _, name = models.partition(":")
            context.opts["target_metadata"] = getattr(import_module(module), name)
        try:
            revisions.run_autogenerate(heads, context)
        except CommandError as error:
            raise ChainError(str(chain.ini), str(error), _NO_MODELS) from error
        return []

    with temporary.loaded(image) as own, environment_run(filled, config, script, own, fn=compared):
        return _rendered(revisions, revisions.generated_revisions[0])


def _rendered(revisions: RevisionContext, made: MigrationScript) -> Compared:
    context = revisions._last_autogen_context  # noqa: SLF001  (what RevisionContext itself renders with)
    context.imports = set(made.imports or ())
    words: dict[str, Any] = {}
    render._render_python_into_templatevars(context, made, words)  # noqa: SLF001  (as above)
    diffs = [diff for each in made.upgrade_ops_list for diff in each.as_diffs()]
    return Compared(words["upgrades"], words["downgrades"], words["imports"], tuple(map(_verb, diffs)))


def _verb(diff: Any) -> str:
    """What Alembic calls a difference: `add_column`; several of one column come as a list."""
    return str((diff[0] if isinstance(diff, list) else diff)[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
