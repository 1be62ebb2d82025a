"""Upgrades an application's database when it starts, in a process of its own.

Why a process: whatever the chain's code does, the application starts. One process upgrades, and others that start
meanwhile wait for it up to the lock timeout.
"""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from architect_migrate.config.policies import builds_uninitialised, creates_missing, may_be_changed
from architect_migrate.core.database_errors import DatabaseError, LockedByRunError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.interpreter import interpreter
from architect_migrate.databases.registry import access
from architect_migrate.integrations.startup.check import at_once, compared
from architect_migrate.integrations.startup.memo import turn_file
from architect_migrate.integrations.startup.status import StartState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.integrations.startup.status import Call, Start
    from architect_migrate.model.environment import Environment, ProjectConfig

_BUILDABLE = frozenset({StartState.UNINITIALISED, StartState.MISSING})
# Errors of a run that met another run on the same database; no failure of either.
_OTHERS = frozenset({"ChangedMeanwhileError", "DatabaseLockedError", "LockedByRunError"})


@dataclass(frozen=True, slots=True)
class Ran:
    """The outcome of `archmig upgrade` as in docs/json.md ("": it did not say), and why."""

    outcome: str
    why: str = ""
    error: str = ""
    steps: int = 0
    backup: str = ""


def upgraded(call: Call, project: ProjectConfig, context: EnvironmentContext) -> Start:
    """Run the pending revisions if policy allows; return the result after that."""
    start = at_once(call, project, context)
    if start.state is StartState.COULD_NOT_TELL:
        start = compared(call, project, context)
    if not _is_to_be_upgraded(start, context.environment):
        return start
    if policy := _policy_against(context.environment):
        return replace(start, message=f"{start.message}; not upgraded, since {policy}")
    try:
        with _turn(call, context):
            # Why again: another process may have upgraded the database while this one waited for its turn.
            start = at_once(call, project, context)
            if not _is_to_be_upgraded(start, context.environment):
                return start
            ran = _run(project, context)
            return _after(call, project, context, start, ran)
    except LockedByRunError:
        start = at_once(call, project, context)
        return start if start.ok else replace(start, message=f"{start.message}; another process is upgrading it")


def _is_to_be_upgraded(start: Start, environment: Environment) -> bool:
    if start.state in _BUILDABLE:
        builds = creates_missing if start.state is StartState.MISSING else builds_uninitialised
        return builds(environment)
    return start.state is StartState.BEHIND


def _policy_against(environment: Environment) -> str:
    """Why this environment is not upgraded automatically; empty if it may be."""
    from architect_migrate.runs.rehearsal_gate import is_required

    if not may_be_changed(environment):
        return "it is protected"
    return "it requires a rehearsal first" if is_required(environment) else ""


@contextmanager
def _turn(call: Call, context: EnvironmentContext) -> Iterator[None]:
    """Wait for this process's turn to upgrade the database; without a cache folder the run's own lock has to do."""
    with ExitStack() as stack:
        try:
            file = turn_file(call.cache, access.location(context.environment.url)) if call.cache else None
            if file:
                stack.enter_context(access.turn(file, context.environment.policies.lock_timeout))
        except LockedByRunError:
            raise
        except (DatabaseError, OSError):
            pass
        yield


def _run(project: ProjectConfig, context: EnvironmentContext) -> Ran:
    """Run `archmig upgrade` on the environment."""
    words = ("upgrade", f"--env={context.environment.name}", f"--config={project.file.absolute()}", "--yes", "--json")
    # Why skip: the chain's env.py may import the application, which would call startup() again.
    environ = {**os.environ, "ARCHMIG_SKIP": "true", "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(
            # Why -P: a folder `alembic` in the working folder is not the package of that name.
            [interpreter(), "-P", "-m", "architect_migrate", *words],
            env=environ,
            # Why no stdin: the command must never wait for an answer.
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        return Ran("", f"archmig upgrade could not be started: {error.strerror}", type(error).__name__)
    try:
        return _outcome_of(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError):
        last = done.stderr.strip().rpartition("\n")[2] or "no output"
        return Ran("", f"archmig upgrade ended with code {done.returncode}: {last}", "UpgradeProcessError")


def _outcome_of(document: dict[str, Any]) -> Ran:
    if "error" in document:
        return Ran("failed", document["error"]["message"], document["error"]["type"])
    (entry,) = document["environments"]
    error, plan, receipt = entry["error"] or {}, entry["plan"] or {}, entry["receipt"] or {}
    blockers = [
        f"{name['found']} ({name['advice']})" if name["advice"] else name["found"] for name in plan.get("blockers", ())
    ]
    steps = sum(one["kind"] in {"RunRevision", "RunOutside"} for one in plan.get("steps", ()))
    why = error.get("message") or "; ".join(blockers) or entry["detail"]
    return Ran(entry["outcome"], why, error.get("type", ""), steps, receipt.get("backup") or "")


def _after(call: Call, project: ProjectConfig, context: EnvironmentContext, before: Start, ran: Ran) -> Start:
    """The result after the run, with the run's outcome in the message."""
    try:
        now = compared(call, project, context)
    except ArchmigError as error:
        now = replace(before, state=StartState.COULD_NOT_TELL, message=str(error), compared=False)
    if ran.outcome == "done":
        came_from, to = ", ".join(before.current) or "nothing", ", ".join(now.current)
        run = f"{ran.steps} revision{'' if ran.steps == 1 else 's'}"
        outcome = f"upgraded from {came_from} to {to}, {run} run"
        state = StartState.UPGRADED if now.ok else now.state
        message = outcome if now.ok else f"{outcome}; {now.message}"
        return replace(now, state=state, message=message, backup=ran.backup)
    if now.ok:
        return now
    if ran.outcome in {"blocked", "skipped"} or ran.error in _OTHERS:
        return replace(now, message=f"{now.message}; not upgraded: {ran.why}")
    return replace(
        now, message=f"{now.message}; its upgrade failed, and nothing was changed: {ran.why}", error=ran.error
    )
