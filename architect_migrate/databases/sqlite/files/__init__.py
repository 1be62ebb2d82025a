"""Databases as files: verified copies, overwriting in place, the outcome of a failed commit.

It imports what `databases` may import.
"""
