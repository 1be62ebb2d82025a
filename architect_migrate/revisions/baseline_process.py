"""Search for a baseline: `python -m architect_migrate.revisions.baseline_process FOLDER`.

FOLDER holds `chain`, its configuration, and `job`. It gets `answer`, or `failed` with a cause.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.databases.registry import LOCAL, lender, preload, reader, temporary
from architect_migrate.revisions.baseline import lay_baseline
from architect_migrate.revisions.baseline_search import JOB_CLASSES, Found, Job, find_baseline
from architect_migrate.revisions.configuration import config_of, surroundings, unloaded_script
from architect_migrate.revisions.replay_process import answer, confine, read_chain
from architect_migrate.revisions.streams import refuse_input

if TYPE_CHECKING:
    from architect_migrate.databases.values import StoredObject
    from architect_migrate.model.chain_config import ChainConfig


def main(arguments: list[str]) -> int:
    """Search, and return the exit code."""
    folder = Path(arguments[0]).resolve()
    chain = read_chain(folder)
    job: Job = codec.load((folder / "job").read_text(encoding="utf-8"), JOB_CLASSES)
    refuse_input()
    preload(LOCAL)
    confine(folder)

    def search() -> Found:
        objects = _objects_of_models(chain, job.models) if job.models else job.objects
        return find_baseline(chain, objects, job.at, folder, whole=job.whole)

    return answer(folder, search)


def _objects_of_models(chain: ChainConfig, models: str) -> tuple[StoredObject, ...]:
    """Return the objects that the metadata of some models makes on an empty database."""
    unloaded_script(config_of(chain), chain)  # it puts the project's folders on the search path of modules
    with temporary.in_memory() as own, surroundings(chain):
        with lender.engine_on(own).connect() as connection:
            lay_baseline(chain.made_by(f"{models}.create_all"), connection, own, "")
        return reader.stored_objects(own, ())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
