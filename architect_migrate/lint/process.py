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
from architect_migrate.lint.attempt import attempt, in_trial_environment, load
from architect_migrate.lint.effects import effect_violations
from architect_migrate.lint.files import can_run, place_of
from architect_migrate.lint.rules import violation
from architect_migrate.lint.statements import blame, missing_object, statement_violations
from architect_migrate.lint.trial import Found, Job
from architect_migrate.lint.try_revision import TrialDatabase, try_out
from architect_migrate.model.revision_graph import Revision, RevisionGraph, ancestry
from architect_migrate.revisions.replay_process import confine
from architect_migrate.revisions.source_file import Allowance, Function, RevisionFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from architect_migrate.lint.attempt import TrialEnvironment
    from architect_migrate.lint.rules import Violation
    from architect_migrate.model.schema import Schema

JOB_CLASSES = (Job, RevisionGraph, Revision, RevisionFile, Function, Allowance)


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

            in_trial_environment(Path(job.ini), lambda trial_environment: chain.go(trial_environment, note))
    except (ArchmigError, sqlite3.Error) as error:
        (folder / "failed").write_text(str(error), encoding="utf-8")
        return 2
    return 0


class _Chain:
    """Goes through a chain, each revision on what those before it leave, and says what was found of each."""

    def __init__(self, job: Job, current: Path) -> None:
        self.job, self.current = job, current
        self.files = {file.id: file for file in reversed(job.files)}
        self.modules: dict[str, ModuleType] = {}
        self.blamed: dict[str, frozenset[str]] = {}
        self.halted: set[str] = set()
        self.position: frozenset[str] = frozenset()

    def go(self, trial_environment: TrialEnvironment, note: Callable[[Found], None]) -> None:
        """Try every revision that is judged, and those before it."""
        self.trial_database = TrialDatabase(trial_environment)
        trial_environment.connection.execute("SAVEPOINT archmig_base")
        wanted = ancestry(self.job.graph, self.job.judged)
        for revision in (each for each in self.job.graph.order if each in wanted):
            before = ancestry(self.job.graph, [revision]) - {revision}
            if before & self.halted or not can_run(self.files[revision]):
                self.halted.add(revision)
                continue
            self.current.write_text(revision, encoding="utf-8")
            try:
                found = self._of(revision, before)
            except TransactionEndedError as error:
                self._begin_again()
                place = place_of(self.files[revision])
                found = Found(revision, (violation("AM210", place, f"it tries to {error.attempt}"),), halted=True)
            if found.halted:
                self.halted.add(revision)
            note(found)

    def _begin_again(self) -> None:
        """SQLite rolled everything back: the database is empty."""
        self.trial_database.connection.execute("BEGIN")
        self.trial_database.connection.execute("SAVEPOINT archmig_base")
        self.position = frozenset()
        self.trial_database.look()

    def _of(self, revision: str, before: frozenset[str]) -> Found:
        file = self.files[revision]
        self._arrive(before)
        try:
            module = self._module(revision)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever an import raises is a flaw)
            words = f"it cannot be imported: {type(error).__name__}: {' '.join(str(error).split())}"
            return Found(revision, (violation("AM001", place_of(file, 1), words),), halted=True)
        known = _columns(self.trial_database.schema)
        if revision in self.job.judged:
            tried = try_out(self.trial_database, file, module)
            up, effects = tried.up, tuple(effect_violations(tried)) if tried.up.sound else ()
        else:
            up, effects = attempt(self.trial_database.trial_environment, module, "upgrade"), ()
            self.trial_database.look()
        self.position |= {revision}
        blamed = frozenset[str]().union(*(self.blamed.get(each, frozenset()) for each in before))
        violations = (*statement_violations(file, up, blamed), *effects)
        self.blamed[revision] = frozenset[str]().union(*(blame(one) for one in up.statements))
        makes = tuple(sorted(_columns(self.trial_database.schema) - known))
        return Found(revision, violations, tuple(_lacks(violations)), makes, halted=bool(up.raised or up.refused))

    def _arrive(self, position: frozenset[str]) -> None:
        """Have exactly these revisions on the bench, whatever branch was tried before."""
        if self.position == position:
            return
        if not self.position < position:
            self.trial_database.connection.execute("ROLLBACK TO archmig_base")
            self.position = frozenset()
        for revision in self.job.graph.order:
            if revision in position - self.position:
                attempt(self.trial_database.trial_environment, self._module(revision), "upgrade")
        self.position = position
        self.trial_database.look()

    def _module(self, revision: str) -> ModuleType:
        if revision not in self.modules:
            self.modules[revision] = load(self.files[revision].file)
        return self.modules[revision]


def _columns(schema: Schema) -> frozenset[tuple[str, str]]:
    """Every column with its table, and every table with an empty name."""
    tables = {(table.name, "") for table in schema.tables}
    return frozenset(tables | {(table.name, column.name) for table in schema.tables for column in table.columns})


def _lacks(violations: tuple[Violation, ...]) -> Iterator[tuple[int, str]]:
    """The flaws, by their place, that are about a table or column which is not there, and its name."""
    for place, each in enumerate(violations):
        if each.code in {"AM202", "AM203"} and (name := missing_object(each.message)[1]):
            yield place, name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
