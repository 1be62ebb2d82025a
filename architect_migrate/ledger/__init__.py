"""The record of what was done to each database, and what changed it from outside.

It imports neither `backups` nor anything after it.
"""
