"""Calendars of absences from files and servers: replaced, kept where they cannot be read, and no inner addresses."""

import http.server
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.nights.night_factory import NOW
from support.nights.people_factory import PEOPLE, open_people_cases, people_rules

from serving.cases.absence.absence_entries import calendar_readings, current_absences
from serving.cases.absence.calendar_reading import CalendarReading, read_all_calendars
from serving.store import Store

DAY = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:{day}\r\n" + (
    "SUMMARY:away\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


class Handler(http.server.BaseHTTPRequestHandler):
    answers: dict[str, tuple[int, bytes, str]] = {}  # noqa: RUF012 - one server a test

    def do_GET(self) -> None:
        status, content, location = self.answers[self.path]
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """No lines in the output of the tests."""


@pytest.fixture
def server() -> Iterator[str]:
    Handler.answers = {}
    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{found.server_port}"
    found.shutdown()
    found.server_close()


def reading(store: Store, place: str, folder: Path | None = None, hosts: tuple[str, ...] = ()) -> CalendarReading:
    people = PEOPLE | {"ann": PEOPLE["ann"] | {"absences": place}}
    roster = people_rules(people=people).roster
    return read_all_calendars(store, now=NOW, roster=roster, folder=folder, hosts=hosts)[0]


def absent(store: Store) -> list[str]:
    with store.reading() as session:
        rows = current_absences(session, ["ann"], NOW)
    return [f"{row.starts_at + timedelta(hours=1):%d %b}" for row in rows]  # Berlin in March


def test_a_file_is_read_and_what_it_no_longer_says_is_withdrawn(store: Store, tmp_path: Path) -> None:
    open_people_cases(store)
    path = tmp_path / "ann.ics"
    for day, expected in (("20260305", ["05 Mar"]), ("20260305", ["05 Mar"]), ("20260306", ["06 Mar"])):
        path.write_text(DAY.format(day=day))
        assert reading(store, "ann.ics", tmp_path) == CalendarReading("ann", 1)
        assert absent(store) == expected
    path.unlink()
    failed = reading(store, "ann.ics", tmp_path)
    assert failed.failure == f"There is no calendar file {path}."
    assert absent(store) == ["06 Mar"]
    with store.reading() as session:
        assert calendar_readings(session)["ann"].failure == failed.failure


def test_a_calendar_is_read_from_a_server_that_may_redirect(store: Store, server: str) -> None:
    open_people_cases(store)
    Handler.answers = {
        "/moved": (302, b"", "/ann.ics"),
        "/ann.ics": (200, DAY.format(day="20260305").encode(), ""),
        "/loop": (302, b"", "/loop"),
        "/inside": (302, b"", "http://10.0.0.1/x.ics"),
        "/large": (200, b"x" * 1_100_000, ""),
        "/gone": (404, b"", ""),
    }
    assert reading(store, f"{server}/moved", hosts=("127.0.0.1",)) == CalendarReading("ann", 1)
    for place, text in (
        ("/loop", "answered 302"),
        ("/inside", "has to begin with https://"),
        ("/large", "more than 1,000,000 bytes"),
        ("/gone", "answered 404"),
    ):
        assert text in str(reading(store, f"{server}{place}", hosts=("127.0.0.1",)).failure), place
    assert absent(store) == ["05 Mar"]


@pytest.mark.parametrize("place", ["http://example.org/x.ics", "https://127.0.0.1/x.ics", "https://localhost/x.ics"])
def test_an_inner_or_plain_address_is_refused(store: Store, place: str) -> None:
    open_people_cases(store)
    assert "`calendar_hosts`" in str(reading(store, place).failure)
    assert absent(store) == []
