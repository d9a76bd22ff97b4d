"""Validation of a table by its files: a night reads the files that are new or changed, and of the others only rows that
these concern.

Whether a row breaks a rule by itself depends on the row, so that a file's own result is kept for as long as the file is
the same. Whether it belongs to a known account, and whether it has a duplicate, depends on other rows: these questions
are answered from sorted hashes that are kept for each file.
"""
