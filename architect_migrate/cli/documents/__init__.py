"""The JSON documents as types: what every key holds. docs/json/*.schema.json is generated from them.

A command never imports these modules at run time. They import nothing of archmig.
"""
