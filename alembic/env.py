"""Alembic's entry to this chain: which database, in what transaction, is archmig's to say (see architect_migrate)."""

from alembic import context
from architect_migrate.alembic_env import run

run(context)
