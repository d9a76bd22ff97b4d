"""Daily usage, by far the largest table, is counted in dense arrays of days.

Here belong the pass over usage, its sums by bucket and by day, and their cache by partition. Every other table is read
by the general engine.
"""
