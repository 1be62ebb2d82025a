"""What the policies of an environment allow; the policy on rehearsals is applied by runs/rehearsal_gate.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.model.environment import Uninitialised

if TYPE_CHECKING:
    from architect_migrate.model.environment import Environment


def may_be_changed(environment: Environment, confirmed: str = "") -> bool:
    """Whether an environment may be changed; a protected one only if `confirmed` is its name."""
    return not environment.policies.protected or confirmed == environment.name


def builds_uninitialised(environment: Environment) -> bool:
    """Whether the chain is run on a database that has nothing of it, and a missing file is made."""
    return environment.policies.uninitialised is Uninitialised.CREATE


def skips_uninitialised(environment: Environment) -> bool:
    """Whether a database that has nothing of the chain, or no file, is passed over."""
    return environment.policies.uninitialised is Uninitialised.SKIP
