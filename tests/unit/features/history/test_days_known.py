"""The kept result of a query over a table: only files whose rows are new are read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from features.history.days_known import ROWS, kept_query
from features.history.history import History
from features.history.row_parts import RowParts

QUERY = f"SELECT day, count(*) AS rows FROM {ROWS} GROUP BY day ORDER BY day"
TOGETHER = f"SELECT day, CAST(sum(rows) AS BIGINT) AS rows FROM {ROWS} GROUP BY day ORDER BY day"


class Nights:
    """Nights on which a table has some files, each of rows of one day; it notes which files are read."""

    def __init__(self, state: Path) -> None:
        self.history = replace(History.from_tables({}), state=state)
        self.read: list[list[str]] = []

    def ask(self, query: str = QUERY, **files: tuple[str, int]) -> list[tuple[int, int]]:
        """The rows by day; of each file its key, which names its day, and the number of its rows."""

        def rows_query(labels: Collection[str]) -> str:
            self.read.append(sorted(labels))
            rows = (f"SELECT {files[label][0][1:]} AS day FROM range({files[label][1]})" for label in labels)
            return " UNION ALL ".join(rows)

        keys = {label: key for label, (key, _) in files.items()}
        self.history.row_parts["tickets"] = RowParts(keys, rows_query)
        self.history.row_keys["tickets"] = repr(sorted(keys.values()))
        self.read.clear()
        rows = kept_query(self.history, "tickets", "some.days", query, TOGETHER)
        return [tuple(row.values()) for row in rows.to_pylist()]  # type: ignore[misc]  # of two numbers each


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def test_only_a_new_file_is_read(nights: Nights) -> None:
    assert nights.ask(a=("d1", 2), b=("d2", 3)) == [(1, 2), (2, 3)]
    assert nights.read == [["a", "b"]]
    assert nights.ask(a=("d1", 2), b=("d2", 3), c=("d3", 1)) == [(1, 2), (2, 3), (3, 1)]
    assert nights.read == [["c"]]
    assert nights.ask(a=("d1", 2), b=("d2", 3), c=("d3", 1)) == [(1, 2), (2, 3), (3, 1)]
    assert nights.read == []


def test_a_renamed_file_is_not_read(nights: Nights) -> None:
    nights.ask(a=("d1", 2))
    assert nights.ask(z=("d1", 2)) == [(1, 2)]
    assert nights.read == []


def test_files_that_were_read_together_are_read_again_where_one_is_gone(nights: Nights) -> None:
    nights.ask(a=("d1", 2), b=("d2", 3))
    nights.ask(a=("d1", 2), b=("d2", 3), c=("d3", 1))
    assert nights.ask(b=("d2", 3), c=("d3", 1)) == [(2, 3), (3, 1)]
    assert nights.read == [["b"]]


def test_another_query_reads_all_files(nights: Nights) -> None:
    nights.ask(a=("d1", 2))
    assert nights.ask(QUERY.replace("count(*)", "2 * count(*)"), a=("d1", 2)) == [(1, 4)]
    assert nights.read == [["a"]]


def test_a_table_without_files_is_read_where_its_key_changes(nights: Nights) -> None:
    nights.history.create_table("notes", pa.table({"day": [1, 1, 2]}))
    nights.history.row_keys["notes"] = "one"
    ask = (nights.history, "notes", "some.days", QUERY, TOGETHER)
    assert kept_query(*ask)["rows"].to_pylist() == [2, 1]
    nights.history.create_table("notes", pa.table({"day": [5]}))
    assert kept_query(*ask)["rows"].to_pylist() == [2, 1]
    nights.history.row_keys["notes"] = "two"
    assert kept_query(*ask)["rows"].to_pylist() == [1]
