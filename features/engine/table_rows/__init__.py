"""The rows of every table except usage, as columns of numbers.

Here belong the versions of rows with the days between which they held, corrections, the timeline of tickets, and the
expressions that a measure needs from each row. Sums over windows belong to ``features.engine``.
"""
