"""environments.toml: find it, read it once into one value, edit it; the context of one environment.

It imports none of the packages that act on a database (`lint`, `ledger`, `backups`, `runs`).
"""
