"""Absences from calendar files: whole days, zones, repetitions, and hostile files."""

from datetime import datetime, timedelta

import pytest

from serving.cases.absence.calendar_file import MOST_BYTES, MOST_EVENTS, CalendarFileError, read_calendar
from serving.paths.absences import Absence

NOW = datetime.fromisoformat("2026-03-20T12:00")


DAILY_ZONE = (
    "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
    "RRULE:FREQ=DAILY\nEND:STANDARD\nEND:VTIMEZONE\n"
)


def calendar(*events: str, head: str = "") -> bytes:
    written = "".join(f"BEGIN:VEVENT\nUID:{place}\n{event}\nEND:VEVENT\n" for place, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//\n{head}{written}END:VCALENDAR\n".replace(
        "\n", "\r\n"
    ).encode()


def spans(content: bytes, timezone: str = "Europe/Berlin") -> list[tuple[str, str]]:
    found = read_calendar(content, "ann", timezone, NOW)
    return [(f"{absence.starts_at:%m-%d %H:%M}", f"{absence.ends_at:%m-%d %H:%M}") for absence in found]


def test_whole_days_are_days_of_the_person() -> None:
    holiday = calendar("DTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260331\nSUMMARY:Skiing")
    assert spans(holiday) == [("03-27 23:00", "03-30 22:00")]  # clocks change on 29 Mar
    assert spans(holiday, "America/New_York") == [("03-28 04:00", "03-31 04:00")]
    assert read_calendar(holiday, "ann", "UTC", NOW)[0].reason == "Skiing"
    assert spans(calendar("DTSTART;VALUE=DATE:20260328")) == [("03-27 23:00", "03-28 23:00")]


def test_a_repeated_event_keeps_its_local_time_and_its_exceptions() -> None:
    weekly = "DTSTART;TZID=Europe/Berlin:20260323T090000\nDTEND;TZID=Europe/Berlin:20260323T120000\n"
    content = calendar(weekly + "RRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20260406T090000")
    assert spans(content) == [
        ("03-23 08:00", "03-23 11:00"),
        ("03-30 07:00", "03-30 10:00"),
        ("04-13 07:00", "04-13 10:00"),
    ]


def test_a_changed_repetition_replaces_the_original() -> None:
    start = "DTSTART:20260323T080000Z\nDTEND:20260323T090000Z\n"
    events = (
        f"BEGIN:VEVENT\nUID:one\n{start}RRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:one\nRECURRENCE-ID:20260324T080000Z\nDTSTART:20260324T130000Z\nDTEND:20260324T140000Z\n"
        "END:VEVENT\n"
    )
    content = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{events}END:VCALENDAR\n".encode()
    assert spans(content) == [("03-23 08:00", "03-23 09:00"), ("03-24 13:00", "03-24 14:00")]


def test_a_time_zone_that_the_file_defines_counts() -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Our Office\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\n"
        "TZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    content = calendar("DTSTART;TZID=Our Office:20260323T090000\nDURATION:PT2H", head=zone)
    assert spans(content) == [("03-23 06:00", "03-23 08:00")]


@pytest.mark.parametrize(
    "line", ["TRANSP:TRANSPARENT", "STATUS:CANCELLED", "X-MICROSOFT-CDO-BUSYSTATUS:FREE", "STATUS:cancelled"]
)
def test_what_leaves_the_person_free_is_no_absence(line: str) -> None:
    assert spans(calendar(f"DTSTART;VALUE=DATE:20260323\n{line}")) == []


def test_only_a_year_ahead_and_a_month_back_are_read() -> None:
    events = [f"DTSTART;VALUE=DATE:{day}" for day in ("20250101", "20260301", "20270301", "20300101")]
    assert len(spans(calendar(*events))) == 2


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "This is no calendar"),
        (b"<html>", "This is no calendar"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260323T080000Z\r\n", "cannot be read|no calendar"),
        (b"BEGIN:VCALENDAR" + b" " * MOST_BYTES, "more than 1,000,000 bytes"),
        (calendar("DTSTART:20260323T080000\nRRULE:FREQ=SECONDLY"), "repeats within a day"),
        (calendar("DTSTART:20260323T080000\nRRULE:FREQ=DAILY;BYSECOND=1,2,3"), "repeats within a day"),
        (calendar("DTSTART:20260323T080000\nRRULE:FREQ=DAILY;INTERVAL=0"), "after no time at all"),
        (calendar("DTSTART:20260323T080000\nRRULE:FREQ=DAILY;BYMONTHDAY=31;BYMONTH=2"), "days of a month"),
        (calendar("DTSTART:00010101T080000\nRRULE:FREQ=DAILY"), "since before 1970"),
        (calendar("DTSTART:20260323T080000\nRRULE:FREQ=YEARLY;BYEASTER=400"), "cannot be read"),
        (calendar("DTSTART;TZID=X:20260323T080000", head=DAILY_ZONE), "more often than every year"),
        (calendar("DTSTART:tomorrow"), "An event of the calendar cannot be read"),
        (calendar("SUMMARY:no start"), "An event of the calendar cannot be read"),
        (calendar("DTSTART;TZID=Nowhere:20260323T080000\nDURATION:PT1H"), r"time zone that is not known \(Nowhere\)"),
        (calendar("DTSTART:20260323T080000Z\nRRULE:FREQ=WEEKLY;BYDAY=XX"), "An event of the calendar cannot be read"),
        (calendar(*["DTSTART:20260323T080000Z"] * (MOST_EVENTS + 1)), "more than 5,000 events"),
        (calendar(*["DTSTART;VALUE=DATE:20260323\nRRULE:FREQ=DAILY"] * 6), "more than 2,000 absences"),
    ],
)
def test_a_file_that_is_no_calendar_or_too_much_is_refused(content: bytes, text: str) -> None:
    with pytest.raises(CalendarFileError, match=text):
        read_calendar(content, "ann", "UTC", NOW)


def test_a_file_without_events_has_no_absences() -> None:
    assert read_calendar(calendar(), "ann", "UTC", NOW) == []
    assert isinstance(read_calendar(calendar("DTSTART;VALUE=DATE:20260323"), "ann", "UTC", NOW)[0], Absence)
    assert NOW - timedelta(days=1) < NOW
