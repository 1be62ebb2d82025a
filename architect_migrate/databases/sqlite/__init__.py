"""SQLite: connections, reading, the rows, repairs, and files.

It imports what `databases` may import; other packages import from here only where the layer test lists them.
"""
