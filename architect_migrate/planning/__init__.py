"""What is to be done to one database: the plan, its steps, and the planner.

It imports `core`, `model` and `diagnosis`; a kind of database answers its questions through protocols.
"""
