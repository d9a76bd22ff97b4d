"""For every table of the contract, reading a file directly and through ``SELECT *`` is the same, in every format."""

import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.source_folders import ACCOUNTS, validate_folder, write_folder

from features.contract import TABLES, ColumnType, Table
from features.validation.validate import Validation

VALUES = {
    ColumnType.TEXT: ("a1", "007", "1.10", "N/A", "", "Größe, klein", "-", "true"),
    ColumnType.NUMBER: ("1", "2.50", "-3", "1e3", "N/A", "", "1,5", "abc"),
    ColumnType.WHOLE: ("1", "0", "17.0", "1.5", "", "many"),
    ColumnType.FLAG: ("true", "no", "1", "0", "YES", "", "maybe"),
    ColumnType.INSTANT: ("2024-03-01", "2024-03-01T20:30:00-08:00", "2024-03-01 10:00", "", "9999-12-31", "soon"),
    ColumnType.DAY: ("2024-03-01", "2024-03-01 00:00", "2024-03-01T10:00", "", "01.03.2024"),
}
FORMATS = ("csv", "tsv", "json", "jsonl")


def rows_of(table: Table) -> st.SearchStrategy[list[dict[str, str]]]:
    """Rows with typical and with wrong values; accounts exist, and required columns are there."""
    columns = {column.name: st.sampled_from(VALUES[column.kind]) for column in table.columns}
    if table.name != "accounts" and "account_id" in columns:
        columns["account_id"] = st.sampled_from(("a1", "a2", "unknown"))
    return st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=6)


def written(rows: list[dict[str, str]], ending: str) -> str:
    if ending == "json":
        return json.dumps(rows)
    if ending == "jsonl":
        return "\n".join(json.dumps(row) for row in rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter="\t" if ending == "tsv" else ",")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def content(validation: Validation, name: str) -> tuple[object, ...]:
    report = validation.report.tables[name]
    query = f"SELECT * FROM {name} ORDER BY ALL"
    accepted = validation.history.query(query).to_pylist() if report.accepted else []
    return report.rows, report.accepted, report.duplicates, dict(report.quarantined), accepted


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_a_mapping_that_selects_everything_changes_nothing(name: str, data: st.DataObject) -> None:
    table, ending = TABLES[name], data.draw(st.sampled_from(FORMATS))
    rows = data.draw(rows_of(table))
    with tempfile.TemporaryDirectory() as folder:
        parents = {"accounts": f"accounts.{ending}" if name == "accounts" else "accounts.csv"}
        files = {parents["accounts"]: ACCOUNTS}
        if table.parent is not None and table.parent.table != "accounts":
            files[f"{table.parent.table}.csv"] = "ticket_id,account_id,opened_at\na1,a1,2024-01-01\n"
        files[f"{name}.{ending}"] = written(rows, ending)
        queries = {Path(file).stem: f"SELECT * FROM {Path(file).stem}" for file in files}
        source = write_folder(Path(folder) / "data", files)
        if name == "accounts" and ending != "csv":
            (source / "accounts.csv").unlink()
        direct = content(validate_folder(source), name)
        mapped = content(validate_folder(source, queries), name)
    assert direct == mapped
