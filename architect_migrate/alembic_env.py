"""Public import for alembic/env.py: `from architect_migrate.alembic_env import run`."""

from __future__ import annotations

from architect_migrate.integrations.alembic.env import run

__all__ = ["run"]
