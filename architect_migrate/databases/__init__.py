"""All knowledge of the kinds of database, one package for each, with files of the same names.

It imports `core`, `model`, `diagnosis` and `planning`; no other package may know a kind of database.
"""
