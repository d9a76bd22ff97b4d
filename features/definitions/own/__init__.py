"""The features that a company declares itself: of its numbers, its columns and its extensions.

Here belong how such features are made from their declarations, and how a declaration travels with a frame's column.
"""
