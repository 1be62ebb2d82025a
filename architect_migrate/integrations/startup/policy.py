"""Chooses what a start does about its database: `on_pending` is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.config.context import setting_for
from architect_migrate.config.loader import find_config, read_matrix
from architect_migrate.core.errors import ArchmigError
from architect_migrate.integrations.startup.check import at_once, compared
from architect_migrate.integrations.startup.status import Start, StartState
from architect_migrate.model.environment import OnPending, select

if TYPE_CHECKING:
    from architect_migrate.config.context import Setting
    from architect_migrate.integrations.startup.status import Call
    from architect_migrate.model.environment import Matrix


def examined(call: Call) -> tuple[Start, str]:
    """What is found of the database, after what its policy says was done about it, and that policy.

    Raises ArchmigError for what cannot be followed before an environment is known.
    """
    file = find_config(call.config, call.environ, call.cwd)
    matrix = read_matrix(file, call.environ)
    (environment,) = select(matrix, [call.word] if call.word else [], [])
    setting = setting_for(matrix, environment, call.cache)
    policy = OnPending(call.policy) if call.policy else setting.environment.policies.on_pending
    try:
        return _by_policy(call, matrix, setting, policy), policy.value
    except ArchmigError as error:
        name, database = setting.environment.name, str(setting.environment.url)
        found = Start(StartState.UNKNOWN, str(error), name, database, error=type(error).__name__)
        return found, policy.value


def _by_policy(call: Call, matrix: Matrix, setting: Setting, policy: OnPending) -> Start:
    match policy:
        case OnPending.WARN:
            return at_once(call, matrix, setting)
        case OnPending.REFUSE:
            return compared(call, matrix, setting)
        case OnPending.UPGRADE:
            from architect_migrate.integrations.startup.upgrade import upgraded

            return upgraded(call, matrix, setting)
