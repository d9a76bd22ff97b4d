"""The accepted rows of a table by file: what tells a night which of them are new since the night before.

Most nights add a file to a table and leave all others as they are. Whatever was computed from the rows of a file is
valid while its key is among those of tonight, under whichever name the file has; only the other files need be read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from features.history.cache_files import cache_key


@dataclass(frozen=True)
class RowParts:
    """The files of a table.

    ``keys`` has, by the label of a file, a text that changes whenever its accepted rows may have changed, and with
    nothing else: a file that was only renamed keeps its key. ``rows_query`` gives SQL of the accepted rows of the files
    with some labels, with the contract's columns in their types.
    """

    keys: Mapping[str, str]
    rows_query: Callable[[Collection[str]], str]

    def replace_columns(self, columns: str) -> RowParts:
        """The same files with some columns replaced by expressions over the present ones, as a list of SQL."""
        keys = {label: cache_key(key, columns) for label, key in self.keys.items()}
        return RowParts(keys, lambda labels: f"SELECT * REPLACE ({columns}) FROM ({self.rows_query(labels)})")
