"""Backups of an environment: taking, listing, pruning, restoring, undoing.

It imports neither `runs` nor anything after it.
"""
