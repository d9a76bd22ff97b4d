"""Prefect flows: thin wrappers of the commands.

This is the only place that imports Prefect. A flow holds no logic of its own; every step also runs without Prefect.
"""
