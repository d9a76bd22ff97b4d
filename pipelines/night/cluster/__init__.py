"""A night's steps on a cluster.

Here belongs what a step does otherwise where the rows of a source are on a cluster. What a score or a decision is does
not belong here: it is the same, wherever it is computed.
"""
