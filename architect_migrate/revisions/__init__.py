"""Alembic and its files: the runtime, the replay of a chain in a process, the static graph, new revision files.

It is the only package that imports Alembic; it imports none of those after `databases`.
"""
