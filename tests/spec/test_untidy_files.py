"""The scenarios about files and mappings: each gives the correct value on the files that it was found with."""

from pathlib import Path
from typing import Any

import pytest

from features.source_table import FileNote
from features.validation.rules import Rule
from features.validation.validate import Validation
from pipelines.sources import open_source, validate_rows

pytestmark = pytest.mark.shared

CLEAN = ["f01_json", "f03_zip", "f04_tsv", "f07_utf16", "f08_latin1", "f10_dup_header", "f20_preamble"]
MAPPED = ["m01_offset", "m02_one_cell", "m03_empty_col", "m05_jira"]


def read(folder: Path, scratch: Path) -> Validation:
    mapping = folder / "m"
    return validate_rows(open_source(str(folder), mapping=mapping if mapping.is_dir() else None), scratch)


@pytest.mark.parametrize("name", [*CLEAN, *MAPPED, "m06_slow_clock"])
def test_the_files_are_read(shared_scenarios: Path, tmp_path: Path, name: str) -> None:
    report = read(shared_scenarios / name, tmp_path).require_fit().report
    refused = {table.name: dict(table.quarantined) for table in report.tables.values() if table.quarantined}
    assert refused == ({"invoices": {Rule.MISSING: 1}} if name == "m02_one_cell" else {})
    assert all(table.accepted for table in report.tables.values())


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("f07_utf16", FileNote("tickets.csv", "UTF-16")),
        ("f08_latin1", FileNote("tickets.csv", "Windows-1252")),
        ("f10_dup_header", FileNote("tickets.csv", renamed_columns=("labels_2",))),
        ("f20_preamble", FileNote("tickets.csv", skipped_lines=3)),
        ("m05_jira", FileNote("issues.csv", renamed_columns=("Labels_2",))),
    ],
)
def test_how_they_were_read_is_reported(shared_scenarios: Path, tmp_path: Path, name: str, note: FileNote) -> None:
    assert read(shared_scenarios / name, tmp_path).report.file_notes == (note,)


def test_an_instant_with_an_offset_is_the_same_through_a_mapping(shared_scenarios: Path, tmp_path: Path) -> None:
    def opened(source: Any, scratch: Path) -> set[str]:
        history = validate_rows(source, scratch).history
        return {str(row) for row in history.query("SELECT opened_at FROM tickets")["opened_at"].to_pylist()}

    folder = shared_scenarios / "m01_offset"
    direct = opened(open_source(str(folder)), tmp_path / "direct")
    assert direct == opened(open_source(str(folder), mapping=folder / "m"), tmp_path / "mapped")
    assert direct == {"2024-03-02 04:30:00"}


def test_customers_are_suggested_as_accounts(shared_scenarios: Path, tmp_path: Path) -> None:
    report = read(shared_scenarios / "f31_customers", tmp_path).report
    assert report.unknown == {"customers": "accounts", "events": "usage_daily"}
    assert "Are these the accounts: customers?" in report.problems[0]
    assert "accounts needs account_id, created_at" in report.problems[0]
