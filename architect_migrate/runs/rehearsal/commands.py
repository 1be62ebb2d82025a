"""The commands that run plans, by their names: what one would do, and doing it, on a copy for the most part."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import RehearsalFailedError
from architect_migrate.core.errors import ArchmigError, UsageError
from architect_migrate.core.interrupts import FinishedFirst
from architect_migrate.databases import access
from architect_migrate.planning.results import State
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
    """`upgrade` for a database that is where it claims to be or that is yet to be built, else `reconcile`."""
    seen = survey(context, target)
    return Command.RECONCILE if seen.state in {State.DRIFTED, State.REFUSED} else Command.UPGRADE


def refuse_target(command: Command, target: str | None) -> None:
    """Raise UsageError for a downgrade to nowhere and a promotion to somewhere."""
    if command is Command.DOWNGRADE and target is None:
        raise UsageError("a downgrade goes to a revision, and none was named", "name the newest revision to stay")
    if command is Command.PROMOTE and target is not None:
        raise UsageError("a promotion goes as far as it may, and not to a revision", "leave the revision out")


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
    """A command done. Raises KeyboardInterrupt for every Ctrl-C: of what a copy came to nobody need hear."""
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
def named(context: EnvironmentContext, its: EnvironmentContext, command: Command) -> Iterator[None]:
    """What goes wrong on a copy, told of the environment whose copy it is."""
    try:
        yield
    except ArchmigError as error:
        copy, original = (access.location(one.environment.url) for one in (its, context))
        cause = str(error).replace(copy, original)
        raise RehearsalFailedError(context.environment.name, command.value, cause) from error
