"""A source's table: its rows over several files, its name in messages, and errors of files as sentences."""

from pathlib import Path

import duckdb
import pytest

from features.errors import DataGateError, RescueError
from features.source_table import SourceTable, explain_changed_files, explain_read_errors


def table_of(folder: Path, *queries: str) -> SourceTable:
    files = [folder / f"{number}.parquet" for number in range(len(queries))]
    for file, query in zip(files, queries, strict=True):
        duckdb.sql(query).write_parquet(str(file))
    return SourceTable("scores", tuple(map(str, files)), labels={str(file): file.name for file in files})


def test_columns_of_several_files_are_matched_by_name(tmp_path: Path) -> None:
    table = table_of(tmp_path, "SELECT 1 AS a, 'x' AS b", "SELECT 'y' AS b")
    assert duckdb.sql(f"SELECT a, b FROM {table.relation} ORDER BY b").fetchall() == [(1, "x"), (None, "y")]


def test_messages_name_one_file_or_count_several(tmp_path: Path) -> None:
    assert table_of(tmp_path, "SELECT 1 AS a").label == "0.parquet"
    assert table_of(tmp_path, "SELECT 1 AS a", "SELECT 2 AS a").label == "scores/ (2 files)"


def test_some_files_have_the_types_of_all(tmp_path: Path) -> None:
    table = table_of(tmp_path, "SELECT 1 AS a", "SELECT 2.5::DOUBLE AS a, 'x' AS b")
    connection = duckdb.connect()
    types = {name.lower(): kind for name, kind in table.types(connection).items() if name in ("a", "b")}
    part = table.select_files(connection, table.files[:1], types)
    assert connection.sql(f"SELECT typeof(a), b, file_row_number FROM {part.relation}").fetchall() == [
        ("DOUBLE", None, 0)
    ]
    same = table.select_files(connection, table.files[1:], types)
    assert same.select_list == ""  # no cast where the types are the same


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"not Parquet at all")
    table = SourceTable("scores", (str(tmp_path / "bad.parquet"),))
    with (
        pytest.raises(DataGateError, match=r"^scores cannot be read: .*Export it again\.$"),
        explain_read_errors("scores"),
    ):
        duckdb.sql(f"SELECT * FROM {table.relation}").fetchall()
    with pytest.raises(DataGateError, match=r"can no longer be read: .*`rescue check` names"), explain_changed_files():
        duckdb.sql(f"SELECT * FROM {table.relation}").fetchall()


def test_too_little_memory_names_the_setting() -> None:
    with pytest.raises(RescueError, match="raise the setting memory"), explain_read_errors("scores"):
        raise duckdb.OutOfMemoryException("Out of Memory Error")


@pytest.mark.parametrize("explain", [lambda: explain_read_errors("scores"), explain_changed_files])
def test_an_error_of_a_query_is_not_an_error_of_a_file(explain: object) -> None:
    with pytest.raises(duckdb.BinderException), explain():  # type: ignore[operator]
        duckdb.sql("SELECT no_such_column FROM range(1)")
