"""Files of a source folder: which table each one holds, and its rows as Parquet.

Formats, packings, encodings and limits of files belong here. What a row means is decided by validation.
"""
