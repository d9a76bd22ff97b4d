"""Mappings: the contract's tables as queries over the source's own tables.

A mapping is a folder of SQL files and settings. What its results mean is decided by validation, as for every source.
"""
