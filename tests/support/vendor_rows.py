"""Rows in a vendor's shape, read through the mapping that Rescue brings for it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from features.history.history import History
from pipelines.sources import open_source, validate_rows

Rows = Sequence[Mapping[str, Any]]


def read_rows(folder: Path, mapping: str, tables: Mapping[str, Rows]) -> History:
    """The validated history of a source with these tables, whose values are as an API gives them."""
    source = folder / "source"
    source.mkdir()
    for name, rows in tables.items():
        (source / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return validate_rows(open_source(str(source), mapping=Path(mapping)), folder / "scratch", tolerance=1.0).history


def sql_rows(history: History, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query over the history's tables."""
    return history.connection.cursor().execute(sql).fetchall()
