"""Types in a mapping do not depend on tonight's values: an empty column and one bad value change none."""

from pathlib import Path
from typing import Any

import pytest
from support.source_folders import validate_folder, write_folder

from features.validation.rules import Rule
from features.validation.validate import Validation

ACCOUNTS = "SELECT * FROM accounts"
BILLS = [f"i{number},a{number},2024-01-0{1 + number % 9},{number}00,," for number in range(40)]


def bills(tmp_path: Path, query: str, *more: str) -> Validation:
    text = "\n".join(["id,account,day,cents,until,flag", *BILLS, *more])
    return validate_folder(
        write_folder(tmp_path / "data", {"bills.csv": text}), {"accounts": ACCOUNTS, "invoices": query}
    )


def invoices(validation: Validation) -> list[dict[str, Any]]:
    return validation.history.query("SELECT * FROM invoices ORDER BY invoice_id").to_pylist()


COMPUTED = "SELECT id AS invoice_id, account AS account_id, day AS issued_at, cents / 100 AS amount FROM bills"


@pytest.mark.parametrize(
    ("line", "rule", "column"),
    [
        ("x,a1,2024-01-01,N/A,,", Rule.MISSING, "amount"),
        ("x,a1,2024-01-01,,,", Rule.MISSING, "amount"),
        ("x,a1,2024-01-01,twelve,,", Rule.TYPE, "cents"),
        ("x,a1,soon,500,,", Rule.TYPE, "issued_at"),
    ],
)
def test_one_bad_value_costs_its_row(tmp_path: Path, line: str, rule: Rule, column: str) -> None:
    table = bills(tmp_path, COMPUTED, line).require_fit().report.tables["invoices"]
    assert (table.rows, table.accepted, table.quarantined) == (41, 40, {rule: 1})
    assert (table.examples[0].row, table.examples[0].column) == (41, column)


def test_an_empty_column_can_be_computed_with(tmp_path: Path) -> None:
    query = COMPUTED.replace(
        "FROM", ", until + INTERVAL 3 DAY AS due_at, CASE WHEN flag THEN 'void' END AS status FROM"
    )
    validation = bills(tmp_path, query).require_fit()
    assert {row["due_at"] for row in invoices(validation)} == {None}
    assert validation.report.tables["invoices"].accepted == 40


def test_numbers_are_compared_and_sorted_as_numbers(tmp_path: Path) -> None:
    query = COMPUTED.replace("cents / 100 AS amount", "(SELECT max(cents) FROM bills) AS amount")
    assert {row["amount"] for row in invoices(bills(tmp_path, query))} == {3900.0}


def test_identifiers_that_are_passed_on_stay_as_they_were_written(tmp_path: Path) -> None:
    validation = bills(tmp_path, COMPUTED, "1.10,a1,2024-01-01,5,,", "007,a1,2024-01-01,5,,")
    assert {"1.10", "007"} <= {row["invoice_id"] for row in invoices(validation)}


def test_a_value_that_a_function_cannot_read_costs_its_row_and_is_reported(tmp_path: Path) -> None:
    query = COMPUTED.replace("day AS", "strptime(day, '%Y-%m-%d') AS")
    report = bills(tmp_path, query, "x,a1,tomorrow,5,,").report
    assert report.tables["invoices"].quarantined == {Rule.MISSING: 1}
    (note,) = report.file_notes
    assert note.file == "invoices.sql"
    assert "tomorrow" in (note.unusable_value or "")


def test_instants_with_a_zone_are_the_instants_that_validation_reads(tmp_path: Path) -> None:
    line = "x,a1,2024-03-01T20:30:00-08:00,5,,"
    passed = bills(tmp_path / "1", COMPUTED, line)
    computed = bills(tmp_path / "2", COMPUTED.replace("day AS", "day + INTERVAL 0 DAY AS"), line)
    assert invoices(passed) == invoices(computed)
    assert str(invoices(passed)[-1]["issued_at"]) == "2024-03-02 04:30:00"
