"""Foundations that every package may import: errors, text, names, URLs, locks, processes.

It imports no other package of archmig, and knows no database and no Alembic.
"""
