"""The command line: one file per family of commands. Only this package prints or exits.

It imports every package but `integrations`.
"""
