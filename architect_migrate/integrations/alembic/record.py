"""Records a plain `alembic` command in the ledger: the steps that it ran, or the stamp that a person set."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.config.context import context_for
from architect_migrate.core.chain_errors import StepFailedError
from architect_migrate.core.text import pluralize
from architect_migrate.databases.sqlite.bookkeeping import read_claims
from architect_migrate.databases.sqlite.fingerprint import fingerprint_of
from architect_migrate.integrations.alembic.job import bookkeeping
from architect_migrate.ledger import recorder
from architect_migrate.model.revision_graph import ancestry
from architect_migrate.planning.plan import Plan, SyncTracker, change_words, headline
from architect_migrate.revisions.replay import cache_folder
from architect_migrate.runs.steps import write_tracker

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.integrations.alembic.job import Job
    from architect_migrate.planning.results import Fingerprint


@dataclass(slots=True)
class Record:
    """A run of alembic in progress; `steps` are the headlines of what was run, `changes` those of the tracker.

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

    @property
    def action(self) -> str:
        """The command as a person writes it; `alembic run` where a program calls Alembic as a library."""
        return f"alembic {self.job.command or 'run'}"

    def begins(self, connection: Connection, version_table: str, stamped: tuple[str, ...]) -> None:
        """Note the state before anything runs."""
        self.hidden = bookkeeping(self.job, version_table)
        self.before, self.stamps = fingerprint_of(connection, self.hidden), (stamped, ())

    def ends(self, connection: Connection, recorded: tuple[str, ...]) -> None:
        """Note the state just before the commit."""
        self.after, self.stamps = fingerprint_of(connection, self.hidden), (self.stamps[0], recorded)

    def sync(self, connection: Connection, recorded: tuple[str, ...]) -> None:
        """Correct the legacy tracker after revisions ran, if it is to be kept in step. Raises StepFailedError.

        After a stamp by hand the tracker is left alone, because that stamp proves nothing.
        """
        context = self.context
        if not self.steps or context.tracker is None or not context.tracker.sync:
            return
        graph = context.graph
        claims, position = read_claims(connection, context.tracker, graph.version_table), ancestry(graph, recorded)
        plan = context.synced(claims, Plan((), (), (), position, position))
        for blocker in plan.blockers:
            raise StepFailedError(f"make the {blocker.subject} true", f"{blocker.found}; {blocker.advice}")
        for step in plan.steps:
            if isinstance(step, SyncTracker):
                write_tracker(connection, step)
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
        ).warnings


def recording(job: Job) -> Record:
    """Begin the record of a job. Raises as reading the chain's files does."""
    return Record(job, context_for(job.project, job.environment, cache_folder(os.environ)))
