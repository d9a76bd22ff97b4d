"""Every row of a source with the time at which it was known, and the state at a cutoff.

Here belong the history, its snapshots, the rules that decide which version of a row counts, the time span of a source,
repeated keys, and partitions of files with their cache. Whether a row is valid is decided before
(``features.validation``); numbers are computed from the rows afterwards (``features.engine``).
"""
