"""What a source ever told, and what was known of it at a cutoff.

Here belong the history, its snapshots, the clocks that decide which version of a row counts, its span, and the
partitions of files. What a row must look like is checked before (``features.validation``); what is computed from the
rows comes after (``features.engine``).
"""
