"""How far a source reaches: a wrong clock does not carry it away, and a silence that is over does not hold it back."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.worlds.factories import Story

from features.history.span import count_trusted_days
from features.labels.labels import LabelRule, label
from pipelines.sources.source_check import check_source, show

START = date(2025, 1, 1)
DAYS = 90
END = START + timedelta(days=DAYS)
AHEAD = "2026-04-01"
DAILY = list(range(DAYS))
QUARTERS = list(range(0, 900, 91))


@pytest.mark.parametrize(
    ("days", "astray"),
    [
        pytest.param([*DAILY, 89 + 365], 1, id="a year ahead"),
        pytest.param([*DAILY, 89 + 32], 1, id="a month and a day ahead"),
        pytest.param([*DAILY, 89 + 31], 0, id="a month ahead"),
        pytest.param([*DAILY, 89 + 365, 89 + 366, 89 + 370], 3, id="a year ahead on three days"),
        pytest.param([*DAILY, 200, 300, 900], 3, id="ahead by this much and by that"),
        pytest.param([*DAILY, 89 + 40, 89 + 41], 0, id="silent for forty days, and two days of rows since"),
        pytest.param([*DAILY, *range(454, 466)], 0, id="silent for a year, and twelve days of rows since"),
        pytest.param([*DAILY, *range(454, 465)], 11, id="silent for a year, and eleven days of rows since"),
        pytest.param(QUARTERS, 0, id="a source of quarters"),
        pytest.param([*QUARTERS, 2000], 0, id="a source of quarters that cannot tell"),
        pytest.param([*range(30), 400], 0, id="too few days to tell"),
        pytest.param([0], 0, id="one day"),
        pytest.param([*range(0, 31 * 30, 30), 2000], 0, id="a source of months"),
        pytest.param([*range(0, 40 * 7, 7), 40 * 7 + 365], 1, id="a source of weeks"),
    ],
)
def test_the_days_after_a_silence_are_believed_once_there_are_enough_of_them(days: list[int], astray: int) -> None:
    assert count_trusted_days(days) == len(days) - astray


def daily(**ticket: object) -> Story:
    """A source that learned a score a day, a ticket in time, and one of some other time."""
    story = Story().account("acme").ticket("acme", "2025-01-05")
    for day in range(DAYS):
        story.health("acme", str(START + timedelta(days=day)), 50.0)
    return story.ticket("acme", **ticket)  # type: ignore[arg-type]  # given as the case has it


TICKETS = pytest.mark.parametrize(
    "ticket",
    [{"opened_at": "2025-02-01", "known_at": AHEAD}, {"opened_at": AHEAD}],
    ids=["a known_at of its own", "no known_at anywhere"],
)


@TICKETS
def test_a_wrong_clock_does_not_move_the_end_of_the_span(ticket: dict[str, object]) -> None:
    history = daily(**ticket).history()
    assert history.until == END
    assert history.as_of(date(2026, 4, 1)).rows("tickets").num_rows == 1
    assert history.as_of(date(2026, 4, 2)).rows("tickets").num_rows == 2  # nothing is lost


@TICKETS
def test_a_wrong_clock_settles_no_label(ticket: dict[str, object]) -> None:
    rule = LabelRule("escalation", "escalation", horizon=30)
    told = label(daily(**ticket).history(), [END - timedelta(days=40), END - timedelta(days=20)], rule).to_pylist()
    assert [row["event"] for row in told] == [False, None]


def test_a_wrong_clock_in_one_of_several_files_of_usage_is_told_too(tmp_path: Path) -> None:
    story = daily(opened_at="2025-02-01").usage("acme", "2025-01-10", days=5, known_at="2025-02-01")
    late = Story().usage("acme", "2025-02-10", known_at="2025-03-01").usage("acme", "2025-02-11", known_at=AHEAD)
    for name, rows in story.tables().items():
        (tmp_path / name).mkdir()
        pq.write_table(rows, tmp_path / name / "early.parquet")
    pq.write_table(late.tables()["usage_daily"], tmp_path / "usage_daily" / "late.parquet")
    (found,) = check_source(str(tmp_path)).as_json()["astray"]
    assert found.startswith(f"usage_daily: 1 row says that it was known on {AHEAD}")


def test_check_tells_of_rows_of_a_wrong_clock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, rows in daily(opened_at="2025-02-01", known_at=AHEAD).tables().items():
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    report = check_source(str(tmp_path))
    assert report.problems == ()
    assert report.as_json()["astray"] == [
        "tickets: 1 row says that it was known on 2026-04-01, long after everything else, so a clock of the source is "
        "wrong; it counts from then on, and moves neither the default night nor what is settled"
    ]
    show(report)
    assert "tickets: 1 row says that it was known on 2026-04-01" in capsys.readouterr().out
