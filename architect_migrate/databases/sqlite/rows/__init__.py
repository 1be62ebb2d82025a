"""Reads and compares rows: questions asked before a repair, and the comparison of every value after it.

It imports what `databases` may import.
"""
