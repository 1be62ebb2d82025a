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

    from architect_migrate.config.context import Setting
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Result
    from architect_migrate.runs.contracts import Progress


def fitting(setting: Setting, target: str | None) -> Command:
    """`upgrade` for a database that is where it claims to be or that is yet to be built, else `reconcile`."""
    seen = survey(setting, target)
    return Command.RECONCILE if seen.state in {State.DRIFTED, State.REFUSED} else Command.UPGRADE


def refuse_target(command: Command, target: str | None) -> None:
    """Raise UsageError for a downgrade to nowhere and a promotion to somewhere."""
    if command is Command.DOWNGRADE and target is None:
        raise UsageError("a downgrade goes to a revision, and none was named", "name the newest revision to stay")
    if command is Command.PROMOTE and target is not None:
        raise UsageError("a promotion goes as far as it may, and not to a revision", "leave the revision out")


def previewed(setting: Setting, command: Command, target: str | None) -> Result:
    """What a command would do."""
    match command:
        case Command.UPGRADE:
            return upgrade.preview_upgrade(setting, target)
        case Command.RECONCILE:
            return reconcile.preview(setting, target)
        case Command.DOWNGRADE:
            return upgrade.preview_downgrade(setting, target)
        case Command.PROMOTE:
            return promote.preview_promotion(setting)


def carried_out(setting: Setting, command: Command, plan: Plan, told: Progress, target: str | None) -> Result:
    """A command done. Raises KeyboardInterrupt for every Ctrl-C: of what a copy came to nobody need hear."""
    try:
        match command:
            case Command.UPGRADE:
                return upgrade.upgrade(setting, plan, told, target)
            case Command.RECONCILE:
                return reconcile.reconcile(setting, plan, told, target)
            case Command.DOWNGRADE:
                return upgrade.downgrade(setting, plan, told, target)
            case Command.PROMOTE:
                return promote.promote(setting, plan, told)
    except FinishedFirst:
        raise KeyboardInterrupt from None


@contextmanager
def named(setting: Setting, its: Setting, command: Command) -> Iterator[None]:
    """What goes wrong on a copy, told of the environment whose copy it is."""
    try:
        yield
    except ArchmigError as error:
        copy, original = (access.location(one.environment.url) for one in (its, setting))
        cause = str(error).replace(copy, original)
        raise RehearsalFailedError(setting.environment.name, command.value, cause) from error
