"""The pytest plugin, its test items, and databases for tests.

It may import every package.
"""
