"""The work behind `architect_migrate.startup()`, which applications call when they start.

It may import every package.
"""
