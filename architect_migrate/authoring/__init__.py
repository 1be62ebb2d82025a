"""Authoring: new revisions, hotfixes, feature environments, schema documentation, and the demo.

It imports neither `cli` nor `integrations`.
"""
