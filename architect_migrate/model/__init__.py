"""The values that describe any database and any chain, and how two schemas are compared.

It imports `core` alone; it reads no file and opens no database.
"""
