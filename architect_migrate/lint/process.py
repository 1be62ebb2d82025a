"""The process that tries the revisions of a chain: `python -m architect_migrate.lint.process FOLDER`.

FOLDER holds `job`; what is found is written to `found`, a line a revision, and `current` names the one that runs.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.lint.attempt import attempt, load, on_stage
from architect_migrate.lint.effects import effect_flaws
from architect_migrate.lint.files import can_run, place_of
from architect_migrate.lint.rules import flaw
from architect_migrate.lint.statements import blame, missing_object, statement_flaws
from architect_migrate.lint.trial import Found, Job
from architect_migrate.lint.try_revision import Bench, try_out
from architect_migrate.model.revision_graph import Outline, Revision, ancestry
from architect_migrate.revisions.replay_process import confine
from architect_migrate.revisions.source_file import Allowance, Function, RevisionFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from architect_migrate.lint.attempt import Stage
    from architect_migrate.lint.rules import Flaw
    from architect_migrate.model.schema import Schema

JOB_CLASSES = (Job, Outline, Revision, RevisionFile, Function, Allowance)


def main(arguments: list[str]) -> int:
    """Try what the job says; 2 with the cause in `failed` where the chain's env.py does not let it begin."""
    folder = Path(arguments[0]).resolve()
    job: Job = codec.load((folder / "job").read_text(encoding="utf-8"), JOB_CLASSES)
    confine(folder)
    chain = _Chain(job, folder / "current")
    try:
        with (folder / "found").open("w", encoding="utf-8") as out:

            def note(found: Found) -> None:
                out.write(f"{codec.dump(found)}\n")
                out.flush()

            on_stage(Path(job.ini), lambda stage: chain.go(stage, note))
    except (ArchmigError, sqlite3.Error) as error:
        (folder / "failed").write_text(str(error), encoding="utf-8")
        return 2
    return 0


class _Chain:
    """Goes through a chain, each revision on what those before it leave, and says what was found of each."""

    def __init__(self, job: Job, current: Path) -> None:
        self.job, self.current = job, current
        self.files = {it.id: it for it in reversed(job.files)}
        self.modules: dict[str, ModuleType] = {}
        self.blamed: dict[str, frozenset[str]] = {}
        self.halted: set[str] = set()
        self.position: frozenset[str] = frozenset()

    def go(self, stage: Stage, note: Callable[[Found], None]) -> None:
        """Try every revision that is judged, and those before it."""
        self.bench = Bench(stage)
        stage.connection.execute("SAVEPOINT archmig_base")
        wanted = ancestry(self.job.outline, self.job.judged)
        for revision in (it for it in self.job.outline.order if it in wanted):
            before = ancestry(self.job.outline, [revision]) - {revision}
            if before & self.halted or not can_run(self.files[revision]):
                self.halted.add(revision)
                continue
            self.current.write_text(revision, encoding="utf-8")
            try:
                found = self._of(revision, before)
            except TransactionEndedError as error:
                self._begin_again()
                place = place_of(self.files[revision])
                found = Found(revision, (flaw("AM210", place, f"it tries to {error.attempt}"),), halted=True)
            if found.halted:
                self.halted.add(revision)
            note(found)

    def _begin_again(self) -> None:
        """SQLite rolled everything back: the database is empty."""
        self.bench.connection.execute("BEGIN")
        self.bench.connection.execute("SAVEPOINT archmig_base")
        self.position = frozenset()
        self.bench.look()

    def _of(self, revision: str, before: frozenset[str]) -> Found:
        file = self.files[revision]
        self._arrive(before)
        try:
            module = self._module(revision)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever an import raises is a flaw)
            words = f"it cannot be imported: {type(error).__name__}: {' '.join(str(error).split())}"
            return Found(revision, (flaw("AM001", place_of(file, 1), words),), halted=True)
        known = _columns(self.bench.schema)
        if revision in self.job.judged:
            tried = try_out(self.bench, file, module)
            up, effects = tried.up, tuple(effect_flaws(tried)) if tried.up.sound else ()
        else:
            up, effects = attempt(self.bench.stage, module, "upgrade"), ()
            self.bench.look()
        self.position |= {revision}
        blamed = frozenset[str]().union(*(self.blamed.get(it, frozenset()) for it in before))
        flaws = (*statement_flaws(file, up, blamed), *effects)
        self.blamed[revision] = frozenset[str]().union(*(blame(one) for one in up.statements))
        makes = tuple(sorted(_columns(self.bench.schema) - known))
        return Found(revision, flaws, tuple(_lacks(flaws)), makes, halted=bool(up.raised or up.refused))

    def _arrive(self, position: frozenset[str]) -> None:
        """Have exactly these revisions on the bench, whatever branch was tried before."""
        if self.position == position:
            return
        if not self.position < position:
            self.bench.connection.execute("ROLLBACK TO archmig_base")
            self.position = frozenset()
        for revision in self.job.outline.order:
            if revision in position - self.position:
                attempt(self.bench.stage, self._module(revision), "upgrade")
        self.position = position
        self.bench.look()

    def _module(self, revision: str) -> ModuleType:
        if revision not in self.modules:
            self.modules[revision] = load(self.files[revision].file)
        return self.modules[revision]


def _columns(schema: Schema) -> frozenset[tuple[str, str]]:
    """Every column with its table, and every table with an empty name."""
    tables = {(it.name, "") for it in schema.tables}
    return frozenset(tables | {(table.name, it.name) for table in schema.tables for it in table.columns})


def _lacks(flaws: tuple[Flaw, ...]) -> Iterator[tuple[int, str]]:
    """The flaws, by their place, that are about a table or column which is not there, and its name."""
    for place, it in enumerate(flaws):
        if it.code in {"AM202", "AM203"} and (name := missing_object(it.message)[1]):
            yield place, name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
