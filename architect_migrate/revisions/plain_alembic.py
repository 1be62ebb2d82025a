"""Run of plain Alembic on an empty database, compared with the replayed chain and with the models."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.secrets import mask
from architect_migrate.databases.registry import details_of, scratch_on
from architect_migrate.model.diff import diff, explain, needs_repair
from architect_migrate.model.history import reference
from architect_migrate.model.schema import CLASSES
from architect_migrate.revisions.replay import cache_folder
from architect_migrate.revisions.sandbox import run_sandboxed

if TYPE_CHECKING:
    from architect_migrate.model.schema import Schema
    from architect_migrate.revisions.replay import Source


@dataclass(frozen=True, slots=True)
class PlainRun:
    """Result of `alembic upgrade heads`: `problem` if it failed, else the differences from the chain and the models.

    `models` is None if there is nothing to compare with, for the reason in `no_models`.
    """

    problem: str = ""
    drift: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    no_models: str = ""


def run_plainly(source: Source) -> PlainRun:
    """Run `alembic upgrade heads` in a process of its own on a scratch database. Raises ChainError, ReplayError."""
    history = source.history
    with (
        tempfile.TemporaryDirectory(prefix="archmig-plain-") as name,
        scratch_on(source.chain, cache_folder(os.environ)) as scratch,
    ):
        folder, chain = Path(name), source.chain.on_scratch(scratch)
        (folder / "chain").write_text(codec.dump(chain), encoding="utf-8")
        done = run_sandboxed("revisions.plain_process", source.chain.root, folder, name, history.graph.version_table)
        if done.returncode or not (folder / "schema").exists():
            cause = (
                _text(folder / "failed") or mask(" ".join(done.stderr.split()))[-500:] or f"exit code {done.returncode}"
            )
            return PlainRun(problem=cause)
        schema: Schema = codec.load(_text(folder / "schema"), (*CLASSES, *details_of(chain.kind)))
        wanted = reference(history, frozenset(history.graph.order))
        drift = tuple(explain(change) for change in diff(wanted, schema) if needs_repair(change))
        models = tuple(_text(folder / "models").splitlines()) if (folder / "models").exists() else None
        return PlainRun(drift=drift, models=models, no_models=_text(folder / "no_models"))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
