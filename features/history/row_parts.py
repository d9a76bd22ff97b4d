"""The accepted rows of a table by file: what tells a night which of them are new since the night before.

Most nights add a file to a table and leave all others as they are. Whatever was computed from the rows of a file is
valid while its key is among those of tonight, under whichever name the file has; only the other files need be read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.history.cache_files import cache_key

if TYPE_CHECKING:
    from features.history.history import History


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


def labels_by_key(history: History, tables: Iterable[str]) -> dict[str, dict[str, str]] | None:
    """By table the label of each of its parts, by key; ``None`` where some rows have no key at all.

    A table of which nothing is known by file is one part without a label.
    """
    found: dict[str, dict[str, str]] = {}
    for table in tables:
        parts, key = history.row_parts.get(table), history.row_keys.get(table, "absent")
        if parts is None and key is None:
            return None
        found[table] = {str(key): ""} if parts is None else {key: label for label, key in parts.keys.items()}
    return found


def new_labels(kept: Mapping[str, Collection[str]], tonight: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """By table the labels of the parts that are new since some keys were kept."""
    return {
        table: [it for key, it in parts.items() if key not in kept.get(table, ())] for table, parts in tonight.items()
    }


def are_all_there(kept: Mapping[str, Collection[str]], tonight: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether no part is gone since some keys were kept."""
    return all(tonight.get(table, {}).keys() >= set(keys) for table, keys in kept.items())
