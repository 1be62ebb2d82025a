"""The runs that change databases: survey, plan, execute, prove, commit, record.

It imports neither `authoring` nor `cli`, and prints nothing.
"""
