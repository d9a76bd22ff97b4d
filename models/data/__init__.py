"""The rows that models learn from, as arrays.

Here belong examples (the frame joined with its labels), the signature of their columns, splits by time, and the
treatment of rescued accounts. Nothing here fits a model.
"""
