"""Reads the REST interfaces of other systems into DuckDB files, which a night reads as named sources.

``dlt`` does the work: pages, cursors, retries, tables from nested records, merging by key. This is the only place that
imports it. What is to be read of each system is a file in ``vendors/``.
"""
