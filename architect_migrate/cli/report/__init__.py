"""What the commands show: one file per result, its text and its JSON side by side.

It imports every package but `integrations`, and prints nothing itself.
"""
