"""The time span of a source: a timestamp outlier does not move its end, and neither does a gap that is over."""

from datetime import date, timedelta

import pytest
from support.worlds.factories import Story

from features.history.span import count_trusted_days
from features.labels.labels import LabelRule, label

START = date(2025, 1, 1)
DAYS = 90
END = START + timedelta(days=DAYS)
AHEAD = "2026-04-01"
DAILY = list(range(DAYS))
QUARTERS = list(range(0, 900, 91))


@pytest.mark.parametrize(
    ("days", "outliers"),
    [
        pytest.param([*DAILY, 89 + 365], 1, id="a year ahead"),
        pytest.param([*DAILY, 89 + 32], 1, id="a month and a day ahead"),
        pytest.param([*DAILY, 89 + 31], 0, id="a month ahead"),
        pytest.param([*DAILY, 89 + 365, 89 + 366, 89 + 370], 3, id="a year ahead on three days"),
        pytest.param([*DAILY, 200, 300, 900], 3, id="ahead by this much and by that"),
        pytest.param([*DAILY, 89 + 40, 89 + 41], 0, id="a gap of forty days, and two days of rows since"),
        pytest.param([*DAILY, *range(454, 466)], 0, id="a gap of a year, and twelve days of rows since"),
        pytest.param([*DAILY, *range(454, 465)], 11, id="a gap of a year, and eleven days of rows since"),
        pytest.param(QUARTERS, 0, id="a source of quarters"),
        pytest.param([*QUARTERS, 2000], 0, id="a source of quarters, whose gaps are long"),
        pytest.param([*range(30), 400], 0, id="too few days to tell"),
        pytest.param([0], 0, id="one day"),
        pytest.param([*range(0, 31 * 30, 30), 2000], 0, id="a source of months"),
        pytest.param([*range(0, 40 * 7, 7), 40 * 7 + 365], 1, id="a source of weeks"),
    ],
)
def test_the_days_after_a_gap_are_trusted_once_there_are_enough_of_them(days: list[int], outliers: int) -> None:
    assert count_trusted_days(days, [1] * len(days)) == len(days) - outliers


@pytest.mark.parametrize(
    ("ahead", "outliers"),
    [
        pytest.param({104: 1, 143: 1, 183: 1, 200: 6}, 4, id="nine rows over months"),
        pytest.param({104: 1, 143: 1, 183: 1, 200: 17}, 0, id="as many as a fifth of a day"),
        pytest.param({103: 1}, 0, id="a row after two weeks"),
        pytest.param({104: 1}, 1, id="a row after more than two weeks"),
    ],
)
def test_a_few_rows_after_a_gap_are_outliers(ahead: dict[int, int], outliers: int) -> None:
    rows = dict.fromkeys(DAILY, 100) | ahead
    assert count_trusted_days(list(rows), list(rows.values())) == len(rows) - outliers


def daily(**ticket: object) -> Story:
    """A source with a score a day, a ticket in time, and one with the given times."""
    story = Story().account("acme").ticket("acme", "2025-01-05")
    for day in range(DAYS):
        story.health("acme", str(START + timedelta(days=day)), 50.0)
    return story.ticket("acme", **ticket)  # type: ignore[arg-type]  # times as given


TICKETS = pytest.mark.parametrize(
    "ticket",
    [{"opened_at": "2025-02-01", "known_at": AHEAD}, {"opened_at": AHEAD}],
    ids=["a known_at of its own", "no known_at anywhere"],
)


@TICKETS
def test_an_outlier_does_not_move_the_end_of_the_span(ticket: dict[str, object]) -> None:
    history = daily(**ticket).history()
    assert history.until == END
    assert history.as_of(date(2026, 4, 1)).rows("tickets").num_rows == 1
    assert history.as_of(date(2026, 4, 2)).rows("tickets").num_rows == 2  # the row counts from then on


@TICKETS
def test_an_outlier_makes_no_label_mature(ticket: dict[str, object]) -> None:
    rule = LabelRule("escalation", "event", horizon=30, table="ticket_events", where="kind = 'escalated'")
    labels = label(daily(**ticket).history(), [END - timedelta(days=40), END - timedelta(days=20)], rule).to_pylist()
    assert [row["event"] for row in labels] == [False, None]


def test_a_table_without_times_of_its_own_counts_by_when_it_was_known() -> None:
    story = Story().account("acme", "2025-01-01").row("contacts", account_id="acme", contact_id="c")
    assert story.history().until == date(2025, 1, 2)
    story.row("contacts", account_id="acme", contact_id="d", known_at="2025-03-01")
    assert story.history().until == date(2025, 3, 2)
