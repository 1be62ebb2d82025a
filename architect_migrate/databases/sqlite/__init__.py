"""SQLite: connections, reading, the rows, repairs, and files.

It imports what `databases` may import; other packages come here only where the ratchet in the tests still allows it.
"""
