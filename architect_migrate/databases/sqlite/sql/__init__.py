"""SQLite's SQL as text: lexer, parser, minimal edits, rendering.

It opens no database.
"""
