"""Databases as files: verified copies, overwriting in place, what a failed commit left.

It imports what `databases` may import.
"""
