"""Trial process of the linter: `python -m architect_migrate.lint.process FOLDER`.

FOLDER contains `job`; `results` gets one line per revision, and `current` names the running one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.registry import LOCAL, driver_errors, preload
from architect_migrate.lint.attempt import attempt, in_trial_environment, lay, load
from architect_migrate.lint.effects import effect_violations
from architect_migrate.lint.files import can_run, place_of
from architect_migrate.lint.rules import violation
from architect_migrate.lint.statements import missing_object, names_in_failed, statement_violations
from architect_migrate.lint.trial import Job, TrialResult
from architect_migrate.lint.try_revision import TrialDatabase, try_out
from architect_migrate.model.chain_config import ChainConfig
from architect_migrate.model.revision_graph import Revision, RevisionGraph, ancestry
from architect_migrate.revisions.configuration import chain_folders
from architect_migrate.revisions.replay_process import confine
from architect_migrate.revisions.source_file import Allowance, Function, RevisionFile
from architect_migrate.revisions.streams import refuse_input
from architect_migrate.revisions.watch import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from architect_migrate.lint.attempt import TrialEnvironment
    from architect_migrate.lint.rules import Violation
    from architect_migrate.model.schema import Schema

JOB_CLASSES = (Job, ChainConfig, RevisionGraph, Revision, RevisionFile, Function, Allowance)


def main(arguments: list[str]) -> int:
    """Try the revisions of the job and return the exit code: 2, with the cause in `failed`, if env.py fails."""
    folder = Path(arguments[0]).resolve()
    job: Job = codec.load((folder / "job").read_text(encoding="utf-8"), JOB_CLASSES)
    # Before env.py and the revisions are imported.
    refuse_input()
    preload(LOCAL)
    watching = watch(folder)
    confine(folder)
    chain = _Chain(job, folder / "current")
    try:
        with (folder / "results").open("w", encoding="utf-8") as out:

            def note(result: TrialResult) -> None:
                out.write(f"{codec.dump(result)}\n")
                # Why: a revision may kill the process, and the results so far must be in the file.
                out.flush()

            in_trial_environment(job.chain, lambda trial_environment: chain.go(trial_environment, note))
    except driver_errors(ArchmigError) as error:
        (folder / "failed").write_text(str(error), encoding="utf-8")
        return 2
    watching.hold(chain_folders(job.chain))
    watching.write(folder / "reads")
    return 0


class _Chain:
    """Trial of a chain: runs each revision on the schema that those before it leave, and reports each."""

    def __init__(self, job: Job, current: Path) -> None:
        self.job, self.current = job, current
        self.files = {file.id: file for file in reversed(job.files)}
        self.modules: dict[str, ModuleType] = {}
        self.blamed: dict[str, frozenset[str]] = {}
        self.halted: set[str] = set()
        self.position = job.replaced

    def go(self, trial_environment: TrialEnvironment, note: Callable[[TrialResult], None]) -> None:
        """Try every revision to be checked, and its ancestors; `note` receives each result."""
        lay(self.job.chain, trial_environment)
        self.trial_database = TrialDatabase(trial_environment)
        # Why a savepoint: `_arrive` returns to the empty database when it changes to another branch.
        trial_environment.connection.execute("SAVEPOINT archmig_base")
        wanted = ancestry(self.job.graph, self.job.judged) - self.job.replaced
        for revision in (each for each in self.job.graph.order if each in wanted):
            before = ancestry(self.job.graph, [revision]) - {revision}
            if before & self.halted or not can_run(self.files[revision]):
                self.halted.add(revision)
                continue
            self.current.write_text(revision, encoding="utf-8")
            try:
                result = self._of(revision, before)
            except TransactionEndedError as error:
                self._begin_again()
                place = place_of(self.files[revision])
                result = TrialResult(
                    revision, (violation("AM210", place, f"it tries to {error.attempt}"),), halted=True
                )
            if result.halted:
                self.halted.add(revision)
            note(result)

    def _begin_again(self) -> None:
        """Start with an empty database, after SQLite rolled back the whole transaction."""
        self.trial_database.connection.execute("BEGIN")
        lay(self.job.chain, self.trial_database.trial_environment)
        self.trial_database.connection.execute("SAVEPOINT archmig_base")
        self.position = self.job.replaced
        self.trial_database.look()

    def _of(self, revision: str, before: frozenset[str]) -> TrialResult:
        file = self.files[revision]
        self._arrive(before)
        try:
            module = self._module(revision)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (any exception of an import is a violation)
            words = f"it cannot be imported: {type(error).__name__}: {' '.join(str(error).split())}"
            return TrialResult(revision, (violation("AM001", place_of(file, 1), words),), halted=True)
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
        self.blamed[revision] = frozenset[str]().union(*(names_in_failed(one) for one in up.statements))
        makes = tuple(sorted(_columns(self.trial_database.schema) - known))
        return TrialResult(revision, violations, tuple(_lacks(violations)), makes, halted=bool(up.raised or up.refused))

    def _arrive(self, position: frozenset[str]) -> None:
        """Bring the database to exactly this position, whatever branch was tried before."""
        if self.position == position | self.job.replaced:
            return
        # Why back to the base: downgrades are not trusted, so another branch is built from the beginning.
        position |= self.job.replaced
        if not self.position < position:
            self.trial_database.connection.execute("ROLLBACK TO archmig_base")
            self.position = self.job.replaced
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
    """Return (table, column) for every column, and (table, "") for every table."""
    tables = {(table.name, "") for table in schema.tables}
    return frozenset(tables | {(table.name, column.name) for table in schema.tables for column in table.columns})


def _lacks(violations: tuple[Violation, ...]) -> Iterator[tuple[int, str]]:
    """Yield index and name for each violation of a missing table or column."""
    for place, each in enumerate(violations):
        if each.code in {"AM202", "AM203"} and (name := missing_object(each.message)[1]):
            yield place, name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
