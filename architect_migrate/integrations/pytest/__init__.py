"""What pytest loads: the plugin, its items, and databases for tests.

It may import every package.
"""
