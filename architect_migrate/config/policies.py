"""Interpretation of an environment's policies; runs/rehearsal_gate.py applies the policy on rehearsals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.model.choices import Uninitialised

if TYPE_CHECKING:
    from architect_migrate.model.environment import Environment


def may_be_changed(environment: Environment, confirmed: str = "") -> bool:
    """Return whether an environment may be changed; a protected one only if `confirmed` is its name."""
    return not environment.policies.protected or confirmed == environment.name


def builds_uninitialised(environment: Environment) -> bool:
    """Return whether the chain is run on a database without anything of it."""
    return environment.policies.uninitialised is Uninitialised.CREATE


def has_own_entry(environment: Environment) -> bool:
    """Return whether an entry names this one database, and not a pattern or a file of the command line."""
    return environment.path_written is not None and not environment.section


def creates_missing(environment: Environment) -> bool:
    """Return whether a missing file is created.

    Why not in a section with a pattern: its environments are the files that are there, so this one was removed.
    """
    return builds_uninitialised(environment) and not environment.section


def skips_uninitialised(environment: Environment) -> bool:
    """Return whether a missing database, or one without anything of the chain, is skipped."""
    return environment.policies.uninitialised is Uninitialised.SKIP
