"""The entry point for alembic/env.py, which gives plain `alembic` the same lock and proof.

It may import every package.
"""
