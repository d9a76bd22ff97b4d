"""What each feature is: one subject per file, one entry per feature.

Here belong features, the measures that they are made of, and the sentences that describe them to a person. How a
measure is computed does not belong here (``features.engine``).
"""
