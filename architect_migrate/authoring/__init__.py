"""What people write with archmig: revisions, hotfixes, feature environments, schema pages, the demo.

It imports neither `cli` nor `integrations`.
"""
