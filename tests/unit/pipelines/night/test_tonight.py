"""Which day tonight is, and when a source is too old for it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from features.errors import DataGateError, UsageError
from features.history.history import History
from pipelines import settings as configuration
from pipelines.night.tonight import NightDay, check_day, choose_day, data_end_earlier
from pipelines.sources import open_source, validate_rows
from serving.night_report.report_text import warning_line

TONIGHT = date(2026, 3, 10)


@pytest.fixture(autouse=True)
def _real_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """How far ahead a night may be, as it is outside of tests."""
    monkeypatch.setattr("pipelines.system_clock.AHEAD", timedelta(days=1))


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Tickets until 6 Mar, invoices until 9 Mar, and an outcome that the team wrote."""
    (tmp_path / "accounts.csv").write_text("account_id,created_at\na,2026-01-01\n")
    (tmp_path / "tickets.csv").write_text("ticket_id,account_id,opened_at\nt,a,2026-03-06 10:00\n")
    (tmp_path / "invoices.csv").write_text("invoice_id,account_id,issued_at,amount\ni,a,2026-03-09,5\n")
    (tmp_path / "outcomes.csv").write_text("account_id,risk,action,decided_at\na,churn,called,2026-03-20\n")
    return validate_rows(open_source(str(tmp_path)), tmp_path / "scratch").history


@pytest.mark.parametrize(
    ("moment", "timezone", "day"),
    [
        (datetime(2026, 3, 9, 23, 30, tzinfo=UTC), "UTC", date(2026, 3, 9)),
        (datetime(2026, 3, 9, 23, 30, tzinfo=UTC), "Europe/Berlin", date(2026, 3, 10)),
        (datetime(2026, 3, 10, 3, 0, tzinfo=UTC), "America/Los_Angeles", date(2026, 3, 9)),
    ],
)
def test_tonight_is_today_in_the_time_zone_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, moment: datetime, timezone: str, day: date
) -> None:
    monkeypatch.setattr("pipelines.system_clock.machine_clock", lambda: moment)
    settings = configuration.load(timezone=timezone)
    assert choose_day(settings, None, None) == NightDay(day, requested=False)


def test_a_day_that_is_asked_for_wins_over_a_schedule_and_a_schedule_over_the_clock() -> None:
    settings, asked, scheduled = configuration.load(), date(2026, 1, 1), date(2026, 1, 2)
    assert choose_day(settings, asked, scheduled) == NightDay(asked, requested=True)
    assert choose_day(settings, None, scheduled) == NightDay(scheduled, requested=False)


@pytest.mark.parametrize(("night", "stale_after"), [(date(2026, 3, 12), 3), (date(2026, 3, 10), 1), (TONIGHT, 3)])
def test_a_source_with_a_row_of_the_last_days_is_fresh(history: History, night: date, stale_after: int) -> None:
    check_day(NightDay(night, requested=False), history, stale_after)


@pytest.mark.parametrize(("night", "stale_after"), [(date(2026, 3, 13), 3), (date(2026, 3, 11), 1)])
def test_an_older_source_stops_the_night_and_says_how_old_each_table_is(
    history: History, night: date, stale_after: int
) -> None:
    with pytest.raises(DataGateError) as stopped:
        check_day(NightDay(night, requested=False), history, stale_after)
    age = (night - date(2026, 3, 9)).days
    assert f"invoices 9 Mar 2026 ({age} days old), tickets 6 Mar 2026 ({age + 3} days old)" in str(stopped.value)
    assert "outcomes" not in str(stopped.value)
    assert str(stopped.value).endswith(f"--as-of {history.until}.")


def test_a_day_that_is_asked_for_is_run_however_old_the_source_is(history: History) -> None:
    check_day(NightDay(date(2027, 1, 1), requested=True), history, 3)


@pytest.mark.parametrize(
    ("now", "latest"),
    [
        (date(2026, 5, 1), date(2026, 5, 2)),
        (date(2026, 3, 8), TONIGHT),  # the newest row is of today or tomorrow, by another time zone
        (date(2026, 2, 1), date(2026, 4, 10)),  # the source is simulated: it is ahead of the clock
    ],
)
def test_a_night_in_the_future_is_refused_because_no_earlier_one_could_follow(
    history: History, now: date, latest: date
) -> None:
    check_day(NightDay(latest, requested=True), history, 3, now=now)
    late = latest + timedelta(days=1)
    with pytest.raises(UsageError, match=f"{late} is in the future.*the last day .* is {latest}"):
        check_day(NightDay(late, requested=True), history, 3, now=now)


def test_a_night_that_was_asked_for_long_after_the_data_has_a_warning(history: History) -> None:
    assert data_end_earlier(date(2026, 3, 12), history, 3) == ()
    (warning,) = data_end_earlier(date(2026, 3, 14), history, 3)
    assert (warning.newest, warning.days) == (date(2026, 3, 9), 5)
    assert warning_line(warning).startswith("The newest row of all tables is of 9 Mar 2026, 5 days before this night")


def test_a_mistyped_year_is_refused(history: History) -> None:
    with pytest.raises(UsageError, match=r"--as-of 2062-03-10 is 13,\d{3} days after the data.*check the year"):
        check_day(NightDay(date(2062, 3, 10), requested=True), history, 3)


@pytest.mark.parametrize("requested", [True, False])
def test_no_night_is_run_before_the_data(history: History, requested: bool) -> None:
    with pytest.raises(UsageError, match="is before the data, which begin on 1 Jan 2026"):
        check_day(NightDay(date(2025, 12, 31), requested=requested), history, 3)


def test_rows_of_the_future_do_not_make_a_source_fresh(history: History) -> None:
    with pytest.raises(DataGateError, match="tickets 6 Mar 2026"):
        check_day(NightDay(date(2026, 3, 8), requested=False), history, 1)
