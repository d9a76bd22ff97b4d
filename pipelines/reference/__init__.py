"""The generated pages of the documentation, written from the code.

Here belongs whatever ``make docs`` writes and ``make check`` compares.
"""
