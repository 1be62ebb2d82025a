"""Cuts a plan where one transaction cannot hold it: each segment is proven, stamped and committed before the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.model.history import replays
from architect_migrate.model.revision_graph import ancestry, heads
from architect_migrate.planning.plan import Checkpoint, RunOutside, RunRevision, Stamp

if TYPE_CHECKING:
    from architect_migrate.model.history import History, Replayed
    from architect_migrate.planning.plan import Plan, Step


def in_segments(history: History, plan: Plan) -> Plan:
    """Return the plan with a checkpoint wherever the steps after it need what those before it commit.

    Why only among the revisions that are ahead: a position that can be proven is reached when the repairs are done. A
    repair makes a type anew where a label of it may be used at once.
    """
    ahead = [at for at, step in enumerate(plan.steps) if _is_ahead(step, plan)]
    if not ahead:
        return plan
    first, last = ahead[0], ahead[-1]
    cut = _Cut(history, plan.before, plan.before, [*plan.steps[:first]])
    for step in plan.steps[first : last + 1]:
        cut.take(step)
    return replace(plan, steps=(*cut.steps, *plan.steps[last + 1 :]))


def _is_ahead(step: Step, plan: Plan) -> bool:
    return isinstance(step, RunRevision) and step.revision not in plan.before


@dataclass(slots=True)
class _Cut:
    """The steps so far, how many come before the last checkpoint, and the position that they reach.

    `why` is why the next step needs a commit; empty if it does not.
    """

    history: History
    before: frozenset[str]
    position: frozenset[str]
    steps: list[Step]
    committed: int = 0
    why: str = ""

    def take(self, step: Step) -> None:
        """Take the next step."""
        replayed = replays(self.history)[step.revision] if isinstance(step, RunRevision) else None
        if replayed is None or not isinstance(step, RunRevision):
            self.steps.append(step)
        elif does := self._outside(replayed):
            self._commit(self.why or f"{step.revision} leaves the transaction")
            self._run(RunOutside(step.revision, does), f"{step.revision} has left the transaction")
        else:
            if self.why:
                self._commit(self.why)
            types = ", ".join(replayed.labels)
            self._run(step, f"PostgreSQL lets new labels of {types} be used after a commit" if types else "")

    def _outside(self, replayed: Replayed) -> tuple[str, ...]:
        """What a revision does outside of a transaction; nothing where no one waits for an index that it makes."""
        waits = self.before or not all(each.endswith("CONCURRENTLY") for each in replayed.outside)
        return replayed.outside if waits else ()

    def _run(self, step: RunRevision, why: str) -> None:
        self.steps.append(step)
        self.position |= ancestry(self.history.graph, [step.revision])
        self.why = why

    def _commit(self, why: str) -> None:
        """Commit the steps since the last checkpoint, if there are any."""
        if len(self.steps) == self.committed:
            return
        stamp = Stamp(heads(self.history.graph, self.position))
        if self.steps[-1] != stamp:
            self.steps.append(stamp)
        self.steps.append(Checkpoint(self.position, stamp.revisions, why))
        self.committed = len(self.steps)


def segments(plan: Plan) -> tuple[Plan, ...]:
    """Return what each transaction of a plan does, as a plan of its own, without the checkpoints."""
    found: list[Plan] = []
    steps: list[Step] = []
    before = plan.before
    for step in plan.steps:
        if isinstance(step, Checkpoint):
            found.append(replace(plan, steps=tuple(steps), before=before, after=step.position))
            steps, before = [], step.position
        else:
            steps.append(step)
    return (*found, replace(plan, steps=tuple(steps), before=before))
