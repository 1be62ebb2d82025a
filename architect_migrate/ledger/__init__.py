"""Ledger: the record of every run on every database, and the detection of changes from outside.

It imports neither `backups` nor anything after it.
"""
