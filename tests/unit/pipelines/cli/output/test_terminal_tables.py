"""A table in a narrow terminal leaves out the least important columns, and cuts off no cell."""

import io

import pytest
from rich.console import Console

from pipelines.cli.output.night_output import LEAST_IMPORTANT, queue_columns
from pipelines.cli.output.queue_output import LEAST_IMPORTANT_OF_CASES, case_columns
from pipelines.cli.output.terminal_tables import fit_table

RISKS = ("churn", "escalation")
COLUMNS = queue_columns(RISKS)
CELLS = {
    "#": "17",
    "Account": "Winterburn Software",
    "Segment": "enterprise",
    "Owner": "anouk.okafor",
    "Revenue": "236,268",
    "Churn": "38%",
    "Escalation": "24%",
    "First reason": "A cancellation was given and has not taken effect yet",
    "Renews": "19 Nov 2026",
}


def printed(width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(fit_table(console, COLUMNS, [[CELLS[name] for name in COLUMNS]], LEAST_IMPORTANT))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("width", "gone"),
    [(132, set()), (110, {"Owner"}), (100, {"Owner", "Segment"}), (80, {"Owner", "Segment", "Renews"})],
)
def test_the_least_important_columns_are_left_out_first(width: int, gone: set[str]) -> None:
    text = printed(width)
    assert {name for name in COLUMNS if name not in text.splitlines()[1]} == gone
    assert {"A", "cancellation", "was", "given", "has", "not", "taken", "effect", "yet"} <= set(text.split())


def test_case_id_reason_and_due_time_stay_in_a_narrow_list() -> None:
    console = Console(width=80)
    row = ["3vfobsi45pz4u", "Riverland Trading", "strategic", "new", "236,268", "–", "23%", "13 tickets", "3 Feb 2027"]
    table = fit_table(console, case_columns(RISKS), [[*row, "27 Nov 01:25"]], LEAST_IMPORTANT_OF_CASES)
    headers = [column.header for column in table.columns]
    assert headers[:2] == ["Case", "Account"]
    assert {"First reason", "Due (UTC)"} <= set(headers)
    assert console.measure(table).minimum <= 80


def test_a_third_risk_gets_a_column() -> None:
    assert "Late payment" in queue_columns([*RISKS, "late_payment"])
    assert "Late payment" in case_columns([*RISKS, "late_payment"])
