"""Adoption of a project: finds its chain, how env.py comes by its database, and its databases.

It imports what `authoring` may import.
"""
