"""Backups of an environment: take, list, prune and restore them, and undo a run.

It imports neither `runs` nor anything after it.
"""
