"""The commands that execute plans, by name: preview one, and carry it out (on a copy, in most uses)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import RehearsalFailedError
from architect_migrate.core.errors import ArchmigError, UsageError
from architect_migrate.core.interrupts import FinishedFirst
from architect_migrate.databases.registry import access
from architect_migrate.planning.results import DEPARTED
from architect_migrate.runs import promote, reconcile, upgrade
from architect_migrate.runs.rehearsal.results import Command
from architect_migrate.runs.survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Result
    from architect_migrate.runs.contracts import Progress


def fitting(context: EnvironmentContext, target: str | None) -> Command:
    """The command that suits a database: `reconcile` if its schema does not match its stamp, else `upgrade`."""
    seen = survey(context, target)
    return Command.RECONCILE if seen.state in DEPARTED else Command.UPGRADE


def refuse_target(command: Command, target: str | None) -> None:
    """Raise UsageError for a downgrade without a revision and for a promotion with one."""
    if command is Command.DOWNGRADE and target is None:
        raise UsageError("a downgrade needs a revision, and none was given", "name the newest revision to keep")
    if command is Command.PROMOTE and target is not None:
        raise UsageError(
            "a promotion takes no revision: its required environments decide how far it goes", "leave the revision out"
        )


def previewed(context: EnvironmentContext, command: Command, target: str | None) -> Result:
    """What a command would do."""
    match command:
        case Command.UPGRADE:
            return upgrade.preview_upgrade(context, target)
        case Command.RECONCILE:
            return reconcile.preview(context, target)
        case Command.DOWNGRADE:
            return upgrade.preview_downgrade(context, target)
        case Command.PROMOTE:
            return promote.preview_promotion(context)


def carried_out(
    context: EnvironmentContext, command: Command, plan: Plan, progress: Progress, target: str | None
) -> Result:
    """Execute a command's plan.

    Raises KeyboardInterrupt for every Ctrl-C, even one that came after the commit, because a result on a copy is not
    worth keeping.
    """
    try:
        match command:
            case Command.UPGRADE:
                return upgrade.upgrade(context, plan, progress, target)
            case Command.RECONCILE:
                return reconcile.reconcile(context, plan, progress, target)
            case Command.DOWNGRADE:
                return upgrade.downgrade(context, plan, progress, target)
            case Command.PROMOTE:
                return promote.promote(context, plan, progress)
    except FinishedFirst:
        raise KeyboardInterrupt from None


@contextmanager
def named(context: EnvironmentContext, copy: EnvironmentContext, command: Command) -> Iterator[None]:
    """Raise errors of the copy as RehearsalFailedError that names the original environment and database."""
    try:
        yield
    except ArchmigError as error:
        of_copy, of_original = (access.location(one.environment.url) for one in (copy, context))
        cause = str(error).replace(of_copy, of_original)
        raise RehearsalFailedError(context.environment.name, command.value, cause) from error
