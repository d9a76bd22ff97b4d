"""The logistic regression, and how much each of its terms may matter.

Here belongs what is fitted by one convex loss over terms of the columns.
"""
