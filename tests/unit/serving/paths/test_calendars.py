"""Working time, drawn: when a duration that begins then is over."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import UsageError
from serving.paths.calendars import WorkingCalendar, add_duration
from serving.paths.durations import Duration, Unit

BERLIN = WorkingCalendar.checked(
    "Europe/Berlin", ["mon-thu 09:00-12:00 13:00-17:00", "fri 09:00-14:00"], "DE-BE", [date(2026, 12, 24)]
)
ZONE = ZoneInfo("Europe/Berlin")


def utc(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=ZONE).astimezone(UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2026-06-06T02:30", "4 working hours", "2026-06-08T14:00"),  # Saturday night: Monday, after the lunch break
        ("2026-06-08T10:00", "2 working hours", "2026-06-08T12:00"),  # ends with the morning, not after lunch
        ("2026-06-08T12:30", "1 working hour", "2026-06-08T14:00"),  # begins in the lunch break
        ("2026-06-05T13:30", "1 working hour", "2026-06-08T09:30"),  # Friday ends at 14:00
        ("2026-05-22T13:00", "2 working hours", "2026-05-26T10:00"),  # Whit Monday is free
        ("2026-12-23T16:00", "2 working hours", "2026-12-28T10:00"),  # closed on the 24th, then Christmas
        ("2026-06-08T10:00", "2 working days", "2026-06-10T10:00"),
        ("2026-06-04T16:00", "1 working day", "2026-06-05T14:00"),  # Friday closes before 16:00
        ("2026-06-06T02:30", "1 working day", "2026-06-09T09:00"),  # counts from Monday's opening
        ("2026-06-05T18:00", "4 hours", "2026-06-05T22:00"),  # the clock does not care
    ],
)
def test_a_duration_in_working_time(start: str, duration: str, end: str) -> None:
    assert BERLIN.add(utc(start), Duration.parse(duration)) == utc(end)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-28T22:00", 4, "2026-03-29T03:00"),  # clocks go forward: 02:00 does not exist
        ("2026-10-24T22:00", 6, "2026-10-25T03:00"),  # clocks go back: 02:00 comes twice
    ],
)
def test_hours_are_counted_as_they_pass_when_clocks_change(start: str, hours: int, end: str) -> None:
    always = WorkingCalendar.checked("Europe/Berlin", ["mon-sun 00:00-24:00"])
    ended = always.add(utc(start), Duration(hours, Unit.WORKING_HOURS))
    assert abs((ended - utc(end)).total_seconds()) < 0.001
    assert always.add(utc(start), Duration(hours)) == utc(end)


def test_a_week_that_begins_on_sunday_and_a_night_shift() -> None:
    gulf = WorkingCalendar.checked("Asia/Riyadh", ["sun-thu 08:00-16:00"])
    friday = datetime.fromisoformat("2026-06-05T09:00")
    assert gulf.local(gulf.add(friday, Duration(1, Unit.WORKING_HOURS))) == datetime(
        2026, 6, 7, 9, tzinfo=ZoneInfo("Asia/Riyadh")
    )
    weekend = WorkingCalendar.checked("UTC", ["sat-mon 10:00-11:00"])
    assert [weekend.is_working_day(date(2026, 6, day)) for day in range(5, 10)] == [False, True, True, True, False]


@given(
    st.datetimes(datetime.fromisoformat("2025-01-01T00:00"), datetime.fromisoformat("2027-12-31T00:00")),
    st.integers(1, 200),
    st.sampled_from([Unit.WORKING_HOURS, Unit.WORKING_DAYS]),
)
def test_a_longer_duration_never_ends_earlier_and_a_later_start_never_either(
    start: datetime, amount: int, unit: Unit
) -> None:
    end = BERLIN.add(start, Duration(amount, unit))
    assert start < end <= BERLIN.add(start, Duration(amount + 1, unit))
    assert end <= BERLIN.add(start.replace(microsecond=0) + (end - start), Duration(amount, unit))
    assert BERLIN.is_working_day(BERLIN.local(end).date())


@given(
    st.datetimes(datetime.fromisoformat("2026-01-01T00:00"), datetime.fromisoformat("2026-12-31T00:00")),
    st.integers(1, 30),
    st.integers(1, 30),
)
def test_working_hours_add_up(start: datetime, first: int, second: int) -> None:
    one = Duration(first, Unit.WORKING_HOURS)
    both = BERLIN.add(BERLIN.add(start, one), Duration(second, Unit.WORKING_HOURS))
    assert both == BERLIN.add(start, Duration(first + second, Unit.WORKING_HOURS))


def test_the_calendar_of_a_squad_survives_the_queue() -> None:
    assert WorkingCalendar.from_json(BERLIN.to_json()) == BERLIN


def test_without_a_calendar_working_time_is_estimated_by_a_usual_week() -> None:
    start = datetime.fromisoformat("2026-06-05T18:00")
    assert add_duration(start, Duration(40, Unit.WORKING_HOURS), None) == datetime.fromisoformat("2026-06-12T18:00")
    assert add_duration(start, Duration(5, Unit.WORKING_DAYS), None) == datetime.fromisoformat("2026-06-12T18:00")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"timezone": "Europe/Berln"}, "no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'"),
        ({"hours": []}, "needs working hours"),
        ({"hours": ["mon-fry 09:00-17:00"]}, "no weekday 'fry'; did you mean 'fri'"),
        ({"hours": ["weekdays"]}, "cannot be read: write for example"),
        ({"hours": ["mon 17:00-09:00"]}, "end before they begin"),
        ({"hours": ["mon 09:00-25:00"]}, "a time that does not exist"),
        ({"hours": ["mon-wed 09:00-12:00", "tue 11:00-13:00"]}, "overlap"),
        ({"holidays": "DX-BE"}, "no public holidays of 'DX': write the two letters"),
        ({"holidays": "DE-BX"}, "DE has no region 'BX'"),
    ],
)
def test_a_wrong_calendar_is_refused(given: dict[str, object], message: str) -> None:
    parts = {"timezone": "Europe/Berlin", "hours": ["mon-fri 09:00-17:00"], **given}
    with pytest.raises(UsageError, match=message):
        WorkingCalendar.checked(**parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-06-06T02:30", "2026-06-08T14:00", 4),  # the weekend and the lunch break do not count
        ("2026-06-05T13:30", "2026-06-08T09:30", 1),
        ("2026-06-06T02:30", "2026-06-07T20:00", 0),
        ("2026-06-08T14:00", "2026-06-08T10:00", 0),  # not after the start
        ("2026-12-23T16:00", "2026-12-28T10:00", 2),
    ],
)
def test_the_working_time_between_two_instants(start: str, end: str, hours: float) -> None:
    assert BERLIN.elapsed(utc(start), utc(end)).total_seconds() / 3600 == hours


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
    hours=st.integers(1, 80),
)
def test_a_duration_that_is_added_has_elapsed(start: datetime, hours: int) -> None:
    end = BERLIN.add(start, Duration(hours, Unit.WORKING_HOURS))
    assert abs(BERLIN.elapsed(start, end).total_seconds() - 3600 * hours) < 0.01
