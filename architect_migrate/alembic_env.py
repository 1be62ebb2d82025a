"""What alembic/env.py imports: `from architect_migrate.alembic_env import run`."""

from __future__ import annotations

from architect_migrate.integrations.alembic.env import run

__all__ = ["run"]
