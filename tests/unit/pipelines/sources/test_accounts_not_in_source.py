"""A night reports once, with counts, that rows of its source belong to accounts that the source does not have."""

from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source
from serving.night_report.report_schema import AccountsNotInSource
from serving.night_report.report_text import warning_line


def test_removed_accounts_are_one_warning(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "accounts.csv").write_text("account_id,created_at\nA1,2025-01-01\nA2,2025-01-01\n", "utf-8")
    invoices = "".join(f"i{n},{account},2026-06-01,100\n" for n, account in enumerate(["A1", "A2", "A1", "Z9", "Z9"]))
    (folder / "invoices.csv").write_text(f"invoice_id,account_id,issued_at,amount\n{invoices}", "utf-8")
    (folder / "tickets.csv").write_text("ticket_id,account_id,opened_at\nt1,A1,2026-06-01\nt2,Y8,2026-06-01\n", "utf-8")

    source = validate_source(Settings(data=str(folder), home=tmp_path / "home"), tmp_path / "scratch")

    (warning,) = (warning for warning in source.warnings if isinstance(warning, AccountsNotInSource))
    assert warning == AccountsNotInSource(accounts=2, rows=3, tables=("invoices", "tickets"), resembling=0)
    assert warning_line(warning) == (
        "2 accounts that invoices, tickets have rows of are not in the source; 3 rows were left out."
    )


@pytest.mark.parametrize(
    ("invoices", "line"),
    [
        ("i1,A1,2026-06-01,100\ni2,A2,2026-06-01,100\n", "1 account that invoices have rows of is in quarantine;"),
        (
            "i1,A1,2026-06-01,100\ni2,Z9,2026-06-01,100\ni3,A2,2026-06-01,100\n",
            "2 accounts that invoices have rows of are not in the source;",
        ),
    ],
)
def test_an_account_of_two_rows_is_said_to_be_in_quarantine(tmp_path: Path, invoices: str, line: str) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    rows = (
        "A1,2025-01-01,x\nA1,2025-01-01,y\n" + "".join(f"B{n},2025-01-01,x\n" for n in range(60)) + "A2,2025-01-01,x\n"
    )
    (folder / "accounts.csv").write_text(f"account_id,created_at,segment\n{rows}", "utf-8")
    (folder / "invoices.csv").write_text(f"invoice_id,account_id,issued_at,amount\n{invoices}", "utf-8")
    source = validate_source(
        Settings(data=str(folder), home=tmp_path / "home", tolerance={"invoices": 1.0}), tmp_path / "scratch"
    )
    (warning,) = (warning for warning in source.warnings if isinstance(warning, AccountsNotInSource))
    assert warning.quarantined == 1
    assert warning_line(warning).startswith(line)
    assert "see `rescue check`" in warning_line(warning)
    unknown = source.validation.report.unknown_accounts
    assert (dict(unknown.quarantined), unknown.quarantined_examples) == ({"conflicting_rows": 1}, ("A1",))
