"""Values that describe any database and any chain, and the comparison of schemas.

It imports `core` alone; it reads no file and opens no database.
"""
