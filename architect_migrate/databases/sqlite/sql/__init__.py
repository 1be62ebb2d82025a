"""SQLite's language as text: lexer, parser, minimal edits, rendering.

It opens no database.
"""
