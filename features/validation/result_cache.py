"""Validation results from the previous night, valid for as long as nothing changes that they depend on.

Most files of a source are the same as the night before, and validating them again would give the same results. A
result is therefore cached under a key made of everything that it depends on: the contract, the rules, the engine, and
what the caller adds (the files, say). Under another key there is no result, and the rows are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import text_array
from features.history.cache_files import CachedFile, cache_key, read_cache_file, write_cache_file
from features.validation.duplicates import duplicates_rule
from features.validation.incoming_table import IncomingTable, bad_rows_query, tests_with_parents

RESULT_FILE = "validation.state"

REJECTED_SCHEMA = pa.schema(
    [
        ("label", pa.string()),
        ("row", pa.int64()),
        ("column", pa.string()),
        ("rule", pa.string()),
        ("value", pa.string()),
    ]
)


@dataclass(frozen=True)
class CachedResult:
    """The validation result of one table.

    ``values`` are plain JSON values, ``rejected`` the rows that were not accepted, ``keys`` one column of ids or hashes
    that is too long for JSON, and ``further`` more tables.
    """

    key: str
    values: Mapping[str, Any]
    rejected: pa.Table
    keys: pa.Table
    further: Sequence[pa.Table] = ()

    @classmethod
    def read(cls, folder: Path, key: str) -> CachedResult | None:
        """The result that a folder holds under this key; ``None`` where it holds none."""
        result = cls.read_last(folder)
        return result if result and result.key == key else None

    @classmethod
    def read_last(cls, folder: Path) -> CachedResult | None:
        """The result that a folder holds, under whatever key; ``None`` where it holds none."""
        file = read_cache_file(folder / RESULT_FILE)
        if file is None or "key" not in file.values or len(file.tables) < 2:
            return None
        rejected, keys, *further = file.tables
        return cls(file.values["key"], file.values, rejected, keys, further)

    def write(self, folder: Path) -> None:
        """Cache the result for the next night, where the folder can be written."""
        tables = [self.rejected.cast(REJECTED_SCHEMA), self.keys, *self.further]
        write_cache_file(folder / RESULT_FILE, CachedFile({**self.values, "key": self.key}, tables))

    def rejected_in(self, labels: Sequence[str]) -> pa.Table:
        """The rejected rows of some files, by their labels."""
        return self.rejected.filter(pc.is_in(self.rejected["label"], value_set=text_array(labels)))


def result_key(incoming: IncomingTable, *further: object) -> str:
    """A text that changes with the contract, the types, the rules, the engine, and anything in ``further``."""
    without_files = replace(incoming, source=replace(incoming.source, files=()))
    rules = bad_rows_query(*tests_with_parents(without_files)), duplicates_rule(incoming), repr(incoming.reading)
    types = sorted(incoming.types.items()), incoming.source.partitioned
    return cache_key(repr(incoming.table), types, rules, duckdb.__version__, *further)
