"""Linter of revision files: its rules, and the process that tries revisions on a scratch database.

It imports neither `ledger` nor anything after it.
"""
