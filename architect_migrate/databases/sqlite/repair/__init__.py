"""Repairs: which changes SQLite makes in place, which take a rebuild, and how a rebuild keeps every row.

It imports what `databases` may import.
"""
