"""When a digest is due: in the reader's time zone, on the chosen days, also where the clock changes."""

from datetime import date, datetime, time

import pytest

from serving.paths.digests.digest_schedule import (
    MessageChoices,
    PersonalKind,
    can_wait,
    due_digest,
    immediate_kinds,
    next_digest,
    parse_time,
    parse_weekdays,
    personal_kind,
)
from serving.paths.protocol import Party, ProtocolEvent

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("instant", "timezone", "due"),
    [
        ("2026-03-02T06:59", BERLIN, None),  # 07:59 there
        ("2026-03-02T07:00", BERLIN, (date(2026, 3, 2), "2026-03-02T07:00")),
        ("2026-03-02T18:59", BERLIN, (date(2026, 3, 2), "2026-03-02T07:00")),
        ("2026-03-02T19:00", BERLIN, None),  # half a day late: the next one covers it
        ("2026-03-29T06:00", BERLIN, (date(2026, 3, 29), "2026-03-29T06:00")),  # summer time has begun that night
        ("2026-03-01T23:30", "Pacific/Auckland", (date(2026, 3, 2), "2026-03-01T19:00")),
    ],
)
def test_a_digest_is_due_from_its_time_on(instant: str, timezone: str, due: tuple[date, str] | None) -> None:
    found = due_digest(datetime.fromisoformat(instant), timezone)
    assert found == (None if due is None else (due[0], datetime.fromisoformat(due[1])))


def test_days_that_are_not_chosen_have_none_and_the_next_one_is_on_a_chosen_day() -> None:
    choices = MessageChoices(at=time(9, 30), weekdays=parse_weekdays(["mon", "Friday"]))
    saturday = datetime.fromisoformat("2026-03-07T12:00")
    assert due_digest(saturday, "UTC", choices) is None
    assert next_digest(saturday, "UTC", choices) == datetime.fromisoformat("2026-03-09T09:30")
    assert next_digest(datetime.fromisoformat("2026-03-09T09:30"), "UTC", choices) == datetime.fromisoformat(
        "2026-03-13T09:30"
    )


def test_a_person_chooses_what_waits_but_never_that_something_urgent_does() -> None:
    nothing_at_once = MessageChoices(immediate=frozenset())
    everything = MessageChoices(immediate=frozenset(PersonalKind))
    mine = (ProtocolEvent.HANDED_OVER, Party.RESPONSIBLE)
    assert can_wait(nothing_at_once, *mine, daily=False)
    assert not can_wait(everything, ProtocolEvent.OPENED, Party.RESPONSIBLE, daily=True)
    for event in (ProtocolEvent.ESCALATED, ProtocolEvent.SLA_BREACHED, ProtocolEvent.INCIDENT_OPENED):
        assert personal_kind(event, Party.RESPONSIBLE) is None
        assert not can_wait(nothing_at_once, event, Party.RESPONSIBLE, daily=False)
    assert can_wait(everything, ProtocolEvent.OPENED, Party.INFORMED, daily=True)  # only what is the person's own
    assert not can_wait(nothing_at_once, ProtocolEvent.ESCALATED, None, daily=False)  # a step of a path


def test_what_is_immediate_by_the_default_protocol() -> None:
    assert immediate_kinds({}) == {
        PersonalKind.ASSIGNED,
        PersonalKind.MENTIONED,
        PersonalKind.HANDED_OVER,
        PersonalKind.RETURNED,
    }


@pytest.mark.parametrize("text", ["", "8", "25:00", "eight", "08:61"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)
