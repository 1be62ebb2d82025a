"""The process that tries a plan with revisions in it: `python -m architect_migrate.runs.trial_process FOLDER`.

FOLDER holds `job`, `outline` and `steps` (the chain as a replay saw it); `tried` is written there. As in a replay, the
chain's code reaches nothing but FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path

from architect_migrate.core import codec
from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.registry import LOCAL, preload
from architect_migrate.revisions.configuration import chain_folders
from architect_migrate.revisions.replay import history_from
from architect_migrate.revisions.replay_process import confine
from architect_migrate.revisions.streams import refuse_input
from architect_migrate.revisions.watch import watch
from architect_migrate.runs.trial import CLASSES, Job, Tried, try_here


def main(arguments: list[str]) -> int:
    """Try the job and write the result, which is empty if it cannot be tried."""
    folder = Path(arguments[0]).resolve()
    outline, steps, text = ((folder / name).read_text(encoding="utf-8") for name in ("outline", "steps", "job"))
    job: Job = codec.load(text, CLASSES)
    history = history_from(outline, steps, job.chain)
    refuse_input()
    preload(LOCAL)
    watching = watch(folder)
    confine(folder)
    try:
        tried = try_here(job, history)
    except ArchmigError:
        tried = Tried()
    (folder / "tried").write_text(codec.dump(tried), encoding="utf-8")
    watching.hold(chain_folders(job.chain))
    watching.write(folder / "reads")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
