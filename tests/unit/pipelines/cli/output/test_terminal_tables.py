"""A table in a narrow terminal leaves out what matters least, and cuts off nothing."""

import io

import pytest
from rich.console import Console

from pipelines.cli.output.night_output import COLUMNS, SPARE
from pipelines.cli.output.queue_output import CASES
from pipelines.cli.output.terminal_tables import fit_table

CELLS = {
    "#": "17",
    "Account": "Winterburn Software",
    "Segment": "enterprise",
    "Owner": "anouk.okafor",
    "Revenue": "236,268",
    "Churn": "38%",
    "Escalation": "24%",
    "First reason": "A cancellation was given and has not taken effect yet",
    "Renews": "2026-11-19",
}


def printed(width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(fit_table(console, COLUMNS, [[CELLS[name] for name in COLUMNS]], SPARE))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("width", "gone"),
    [(132, set()), (110, {"Owner"}), (100, {"Owner", "Segment"}), (80, {"Owner", "Segment", "Renews"})],
)
def test_what_matters_least_goes_first(width: int, gone: set[str]) -> None:
    found = printed(width)
    assert {name for name in COLUMNS if name not in found.splitlines()[1]} == gone
    assert {"A", "cancellation", "was", "given", "has", "not", "taken", "effect", "yet"} <= set(found.split())


def test_the_case_and_its_reason_stay_in_a_narrow_list() -> None:
    console = Console(width=80)
    row = ["3vfobsi45pz4u", "Riverland Trading", "strategic", "new", "236,268", "–", "23%", "13 tickets", "2027-02-03"]
    table = fit_table(console, CASES, [[*row, "11-27 01:25"]], ("Squad", "Renews", "Revenue", "State"))
    kept = [column.header for column in table.columns]
    assert kept[:2] == ["Case", "Account"]
    assert {"First reason", "Due"} <= set(kept)
    assert console.measure(table).minimum <= 80
