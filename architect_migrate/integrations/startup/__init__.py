"""What `architect_migrate.startup()` does when an application starts.

It may import every package.
"""
