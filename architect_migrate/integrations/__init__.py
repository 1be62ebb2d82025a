"""Entry points for other programs: Alembic's env.py, pytest, and applications at their start.

It may import every package; only the public modules of `architect_migrate` import it.
"""
