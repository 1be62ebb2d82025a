"""archmig brings drifted databases home to Alembic.

It brings a pytest plugin along, and none of its asserts is a test's: PYTEST_DONT_REWRITE.
"""
