"""PostgreSQL: connections, reading, and servers that are thrown away.

It imports what `databases` may import; other packages import from here only where the layer test lists them.
"""
