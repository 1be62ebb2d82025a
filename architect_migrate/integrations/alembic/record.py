"""Records a plain `alembic` command in the ledger: the steps that it ran, or the stamp that a person set."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.backups import service as backups
from architect_migrate.config.context import context_for
from architect_migrate.core.chain_errors import StepFailedError
from architect_migrate.core.names import fold
from architect_migrate.core.text import pluralize
from architect_migrate.databases.registry import is_served, keeper, marks, watching
from architect_migrate.integrations.alembic.job import bookkeeping
from architect_migrate.ledger import recorder
from architect_migrate.model.revision_graph import ancestry
from architect_migrate.planning.plan import Plan, SyncTracker, change_words, headline
from architect_migrate.revisions.replay import cache_folder
from architect_migrate.runs.commit_proof import rows_kept, unwritten_tables, verify_rows
from architect_migrate.runs.native_plan import plan_of_alembic_run
from architect_migrate.runs.steps import Written, write_tracker
from architect_migrate.runs.written_tables import written_tables

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection
    from contextlib import AbstractContextManager

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import Backup, Committed
    from architect_migrate.integrations.alembic.job import Job
    from architect_migrate.planning.results import Fingerprint


@dataclass(slots=True)
class Record:
    """A run of alembic in progress; `steps` are the headlines of what was run, `changes` those of the tracker.

    `fresh` says that the database defined nothing, `made` is its backup (None: it was fresh, or nothing was to be run),
    `written` what was written, `committed` what was about to be committed, `up` and `down` are the revisions to be run.

    Why `context` is read before anything runs: a broken file of the chain must not prevent the record of a commit.
    """

    job: Job
    context: EnvironmentContext
    started: float = field(default_factory=time.time)
    steps: list[str] = field(default_factory=list)
    hidden: tuple[str, ...] = ()
    stamps: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    changes: list[str] = field(default_factory=list)
    before: Fingerprint | None = None
    after: Fingerprint | None = None
    committed: Committed | None = None
    fresh: bool = False
    made: Backup | None = None
    written: Written = field(default_factory=Written)
    up: Collection[str] = ()
    down: Collection[str] = ()

    @property
    def action(self) -> str:
        """The command as a person writes it; `alembic run` where a program calls Alembic as a library."""
        return f"alembic {self.job.command or 'run'}"

    def begins(self, connection: Connection, version_table: str, stamped: tuple[str, ...]) -> None:
        """Note the state before anything runs."""
        self.hidden = bookkeeping(self.job, version_table)
        self.before, self.stamps = marks.fingerprint_of(connection, self.hidden), (stamped, ())
        self.fresh = marks.defines_nothing(connection)
        keeper.keep(connection, ())

    def backs_up(self, connection: Connection, up: Collection[str], down: Collection[str]) -> None:
        """Back the database up before the first step, and keep what the steps may change. Raises BackupError."""
        self.up, self.down = up, down
        if not self.fresh:
            self.made = backups.take_for(self.context, self.action)
            if is_served(self.job.environment.url):
                tables, policies = written_tables(self.context.history, self._plan()), self.job.environment.policies
                keeper.keep(connection, tables, None, lambda: self.made, policies.proof_copy_limit)

    def proves(self, connection: Connection, broken: Counter[str]) -> str:
        """Prove the rows before the commit, and say how many were kept. Raises NotProvenError."""
        copy, version_table = self.made.path if self.made else None, self.hidden[0]
        if self.job.purge:  # the rows of the stamp were to go, whatever else they hold
            self.written.written.discard(fold(version_table))
        self.written.add(watching.settled(connection))
        proof = verify_rows(
            self.context, self._plan, connection, copy, self.written, version_table=version_table, broken=broken
        )
        if self.made is None:
            return ""
        backups.mark(self.context, self.made, self.action, connection, unwritten_tables(proof, version_table))
        return f"{rows_kept(proof.rows)}; backup {self.made.path}"

    def _plan(self) -> Plan:
        """What archmig would have run in the place of Alembic. Why a function: the chain is replayed for it."""
        return plan_of_alembic_run(self.context.graph, self.up, self.down, self.stamps[0])

    def ends(self, connection: Connection, recorded: tuple[str, ...]) -> None:
        """Note the state just before the commit."""
        self.after, self.stamps = marks.fingerprint_of(connection, self.hidden), (self.stamps[0], recorded)
        self.committed = keeper.committing(connection, recorded, self.after)

    def sync(self, connection: Connection, recorded: tuple[str, ...]) -> None:
        """Correct the legacy tracker after revisions ran, if it is to be kept in step. Raises StepFailedError.

        After a stamp by hand the tracker is left alone, because that stamp proves nothing.
        """
        context = self.context
        if not self.steps or context.tracker is None or not context.tracker.sync:
            return
        graph = context.graph
        claims, position = (
            marks.read_claims(connection, context.tracker, graph.version_table),
            ancestry(graph, recorded),
        )
        plan = context.synced(claims, Plan((), (), (), position, position))
        for blocker in plan.blockers:
            raise StepFailedError(f"make the {blocker.subject} true", f"{blocker.found}; {blocker.advice}")
        for step in plan.steps:
            if isinstance(step, SyncTracker):
                self.written.add(write_tracker(connection, step))
                self.steps.append(headline(step))
                self.changes += map(change_words, step.changes)

    def recorded_if_it_fails(self) -> AbstractContextManager[None]:
        """A context manager that records the failure of its block."""
        return recorder.entered_on_failure(self.context, self.action, self.started)

    def enter(self, unread: str = "") -> tuple[str, ...]:
        """Record a run that changed anything, and return warnings about the recording.

        `unread` is why the stamp could not be read back; the run is then recorded as failed although it is committed.
        """
        if self.after is None or (not self.steps and set(self.stamps[0]) == set(self.stamps[1])):
            return ()
        heads = ", ".join(self.stamps[1]) or "base"
        way = " with --purge" if self.job.purge else ""
        by_hand = (("forced", f"stamp {heads}: set by a person{way}, whatever the schema shows"),)
        facts = (
            *(() if self.steps else by_hand),
            *(("tracker", change) for change in self.changes),
            *recorder.fingerprint_facts(self.before, self.after),
            ("chain", self.context.source.fingerprint),
            *((("backup digest", self.made.digest),) if self.made else ()),
            *recorder.tool_versions(),
        )
        detail = f"{pluralize(len(self.steps), 'step')}, at {heads}" if self.steps else f"stamped {heads}"
        return recorder.enter(
            self.context,
            self.action,
            self.started,
            result="failed" if unread else "done",
            stamps=self.stamps,
            steps=tuple(self.steps),
            detail=unread or detail,
            facts=facts,
            backup=str(self.made.path) if self.made else "",
        ).warnings


def recording(job: Job) -> Record:
    """Begin the record of a job. Raises as reading the chain's files does."""
    return Record(job, context_for(job.project, job.environment, cache_folder(os.environ)))
