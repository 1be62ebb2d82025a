"""What alembic/env.py calls, so that plain `alembic` gets the same lock, backup and proof.

It may import every package.
"""
