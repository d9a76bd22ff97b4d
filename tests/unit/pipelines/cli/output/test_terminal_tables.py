"""A table in a narrow terminal leaves out the least important columns, and cuts off no cell."""

import io
from datetime import date, timedelta

import pytest
from rich.console import Console

from pipelines.cli.output.night_output import LEAST_IMPORTANT, contract_text, queue_columns, revenue_text
from pipelines.cli.output.queue_output import LEAST_IMPORTANT_OF_CASES, case_columns
from pipelines.cli.output.terminal_tables import PRINTED_ROWS, fit_table, print_lines, rest_line
from serving.night_report.queue_case import QueueCase

RISKS = ("churn", "escalation")
TODAY = date(2026, 3, 1)
COLUMNS = queue_columns(RISKS)
CELLS = {
    "#": "17",
    "Account": "Winterburn Software",
    "Segment": "enterprise",
    "Owner": "anouk.okafor",
    "Lane": "at risk",
    "Revenue": "236,268 EUR",
    "Churn": "38%",
    "Escalation": "24%",
    "First reason": "A cancellation was given and has not taken effect yet",
    "Contract": "19 Nov 2026",
}


def queue_case(**values: object) -> QueueCase:
    """A case of a night with these values."""
    required = {"case_id": "c", "account_id": "a", "squad": "s", "state": "new", "severity": "high"}
    figures = {"opened_on": TODAY, "risk": "churn", "risks": {}, "priority": 1.0}
    return QueueCase.model_validate(required | figures | values)


def printed(width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(fit_table(console, COLUMNS, [[CELLS[name] for name in COLUMNS]], LEAST_IMPORTANT))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (144, set()),
        (122, {"Owner"}),
        (112, {"Owner", "Segment"}),
        (100, {"Owner", "Segment", "Lane"}),
        (88, {"Owner", "Segment", "Lane", "Revenue"}),
        (80, {"Owner", "Segment", "Lane", "Revenue", "Contract"}),
    ],
)
def test_the_least_important_columns_are_left_out_first(width: int, gone: set[str]) -> None:
    text = printed(width)
    assert {name for name in COLUMNS if name not in text.splitlines()[1]} == gone
    assert {"A", "cancellation", "was", "given", "has", "not", "taken", "effect", "yet"} <= set(text.split())


def test_case_id_reason_and_due_time_stay_in_a_narrow_list() -> None:
    console = Console(width=80)
    case = ["3vfobsi45pz4u", "Riverland Trading", "strategic", "leaving", "new", "236,268 EUR"]
    row = [*case, "–", "23%", "13 tickets", "leaves in 9 days", "27 Nov 01:25"]
    table = fit_table(console, case_columns(RISKS), [row], LEAST_IMPORTANT_OF_CASES)
    headers = [column.header for column in table.columns]
    assert headers[:2] == ["Case", "Account"]
    assert {"First reason", "Due (UTC)"} <= set(headers)
    assert console.measure(table).minimum <= 80


@pytest.mark.parametrize("width", [90, 100, 110, 120, 132, 150, 200])
@pytest.mark.parametrize("name", ["Wharfward", "Consolidated Riverland Trading and Shipping Company"])
def test_no_word_is_cut_off_where_several_columns_wrap(width: int, name: str) -> None:
    console = Console(file=io.StringIO(), width=width)
    case = ["3vfobsi45pz4u", name, "strategic", "at risk", "contacted, anouk.okafor", "86,904"]
    row = [*case, "67%", "4%", "Yearly revenue 86,904 and less than half of it used", "8 Mar 2027", "27 Nov 01:25"]
    columns = case_columns(RISKS)
    table = fit_table(console, columns, [row], LEAST_IMPORTANT_OF_CASES, collapse_padding=True)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    shown = {column.header for column in table.columns}
    words = {word for title, cell in zip(columns, row, strict=True) if title in shown for word in cell.split()}
    assert words <= set(text.split())
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize(
    ("lane", "ends_in", "renews_in", "text"),
    [
        ("leaving", 9, 9, "leaves in 9 days"),
        ("leaving", 1, None, "leaves in 1 day"),
        ("leaving", -2, None, "left on 27 Feb 2026"),
        ("at_risk", None, 30, "31 Mar 2026"),
        ("at_risk", None, -3, "renewal 3 days overdue"),
        ("at_risk", None, None, "–"),
    ],
)
def test_a_contract_ends_renews_or_is_overdue(lane: str, ends_in: int | None, renews_in: int | None, text: str) -> None:
    dates = [TODAY + timedelta(days=days) if days is not None else None for days in (ends_in, renews_in)]
    assert contract_text(queue_case(lane=lane, ends_on=dates[0], renews_on=dates[1]), TODAY) == text


def test_revenue_has_its_currency_or_is_unknown() -> None:
    assert revenue_text(queue_case(arr=4000.0, currency="EUR")) == "4,000 EUR"
    assert revenue_text(queue_case(arr=0.0)) == "0"
    assert revenue_text(queue_case(currency="EUR")) == "unknown"


def test_a_third_risk_gets_a_column() -> None:
    assert "Late payment" in queue_columns([*RISKS, "late_payment"])
    assert "Late payment" in case_columns([*RISKS, "late_payment"])


def test_of_a_very_long_list_the_first_page_is_printed_and_how_to_see_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [f"line {number}" for number in range(PRINTED_ROWS + 1_200)]
    print_lines(lines)
    assert capsys.readouterr().out.splitlines() == [*lines[:PRINTED_ROWS], "  1,200 more: `--all` prints all of them."]
    print_lines(lines, every=True)
    print_lines(lines[:PRINTED_ROWS])
    assert capsys.readouterr().out.splitlines() == [*lines, *lines[:PRINTED_ROWS]]
    assert rest_line(PRINTED_ROWS) == ""
