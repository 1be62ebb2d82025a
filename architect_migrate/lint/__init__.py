"""The rules for revision files, and the process that tries a revision.

It imports neither `ledger` nor anything after it.
"""
