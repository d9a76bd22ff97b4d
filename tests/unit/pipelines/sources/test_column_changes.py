"""Columns that change from one reading to the next are reported for a day."""

from pathlib import Path

from pipelines.sources.column_changes import compare_columns


def test_changes_are_reported_for_a_day(tmp_path: Path) -> None:
    file = tmp_path / "t" / "columns.json"
    assert compare_columns(file, {"id": "INTEGER", "old": "TEXT"}, 0.0) == ()
    changes = ("old is gone", "id was INTEGER and is TEXT", "new is new")
    assert compare_columns(file, {"id": "TEXT", "new": "TEXT"}, 100.0) == changes
    assert compare_columns(file, {"id": "TEXT", "new": "TEXT"}, 5_000.0) == changes
    assert compare_columns(file, {"id": "TEXT", "new": "TEXT"}, 100_000.0) == ()


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "columns.json"
    file.write_text("{")
    assert compare_columns(file, {"id": "TEXT"}) == ()
    assert compare_columns(file, {}) == ("id is gone",)
