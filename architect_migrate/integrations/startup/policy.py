"""Applies the policy `on_pending` at an application's start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.config.context import context_for
from architect_migrate.config.loader import find_config, read_project
from architect_migrate.core.errors import ArchmigError
from architect_migrate.integrations.startup.check import at_once, compared
from architect_migrate.integrations.startup.status import Start, StartState
from architect_migrate.model.choices import OnPending
from architect_migrate.model.environment import select_one

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.integrations.startup.status import Call
    from architect_migrate.model.environment import ProjectConfig


def examined(call: Call) -> tuple[Start, str]:
    """Act on the database by its policy; return the result and the policy.

    Raises ArchmigError where not even the environment can be determined.
    """
    file = find_config(call.config, call.environ, call.cwd)
    project = read_project(file, call.environ)
    environment = select_one(project, call.word)
    context = context_for(project, environment, call.cache)
    policy = OnPending(call.policy) if call.policy else context.environment.policies.on_pending
    try:
        return _by_policy(call, project, context, policy), policy.value
    except ArchmigError as error:
        name, database = context.environment.name, str(context.environment.url)
        start = Start(StartState.COULD_NOT_TELL, str(error), name, database, error=type(error).__name__)
        return start, policy.value


def _by_policy(call: Call, project: ProjectConfig, context: EnvironmentContext, policy: OnPending) -> Start:
    match policy:
        case OnPending.WARN:
            return at_once(call, project, context)
        case OnPending.REFUSE:
            return compared(call, project, context)
        case OnPending.UPGRADE:
            from architect_migrate.integrations.startup.upgrade import upgraded

            return upgraded(call, project, context)
