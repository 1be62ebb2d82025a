"""Trials on a copy: rehearsals, rollbacks, verification, profiles.

It imports neither `authoring` nor `cli`, and prints nothing.
"""
