"""What is concluded about one database: claims, verdicts, findings, resolutions, drift.

It imports `core` and `model`; it is pure and opens no database.
"""
