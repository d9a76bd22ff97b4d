"""A night reports once, with counts, that rows of its source belong to accounts that the source does not have."""

from pathlib import Path

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
