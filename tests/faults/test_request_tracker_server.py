"""Write-back against a real Request Tracker: twenty cases, senders that die, people who work there."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.vendors.fake_vendor import FakeVendor
from support.vendors.real_request_tracker import INSTALLED, RequestTracker, request_tracker
from support.vendors.record_world import ANN, RecordWorld

from serving.delivery.connection_tests import check_connections
from serving.delivery.web_requests import access_tokens

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not INSTALLED, reason="Debian's request-tracker5 and rt5-db-sqlite are not installed"),
]
CASES = 20


class Killed(BaseException):
    """The process is gone."""


class Address(FakeVendor):
    """Where the real server is, for the world of the fakes."""

    def __init__(self, tracker: RequestTracker) -> None:
        super().__init__()
        self.tracker = tracker

    @property
    def url(self) -> str:
        return self.tracker.url


def tickets(tracker: RequestTracker) -> list[dict[str, Any]]:
    found = tracker.call("GET", "/tickets?query=id%3E0&fields=Subject,Status,Owner&per_page=100")
    return list(found["items"])


def history(tracker: RequestTracker, ticket: str, kind: str) -> int:
    found = tracker.call("GET", f"/ticket/{ticket}/history?fields=Type&per_page=100")
    return sum(row["Type"] == kind for row in found["items"])


def test_cases_in_a_real_request_tracker(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rt").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "records.db")
    with request_tracker(tmp_path / "rt") as tracker:
        settings = {"kind": "rt", "token": tracker.tokens["rescue"]}
        world = RecordWorld.open(f"sqlite:///{tmp_path / 'records.db'}", Address(tracker), settings, count=CASES)
        with world.store:
            (check,) = check_connections(world.channels)
            assert check.works, check.sentence
            _die_and_deliver(world, monkeypatch)
            assert len(tickets(tracker)) == CASES
            _follow_ours(world, tracker)
            _follow_theirs(world, tracker)
            before = [len(world.history(number)) for number in range(CASES)]
            world.deliver_all()
            assert world.read().changes == []
            assert [len(world.history(number)) for number in range(CASES)] == before
            assert len(tickets(tracker)) == CASES - 1  # one was deleted there, and stays so


def _die_and_deliver(world: RecordWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die after every third request, until everything is delivered."""
    request_json, count = access_tokens.request_json, [0]

    def die_sometimes(*args: Any, **how: Any) -> Any:
        answer = request_json(*args, **how)
        count[0] += 1
        if count[0] % 3 == 0:
            raise Killed
        return answer

    deaths = 0
    with monkeypatch.context() as patched:
        patched.setattr(access_tokens, "request_json", die_sometimes)
        for _ in range(10 * CASES):
            try:
                world.deliver()
            except Killed:
                deaths += 1
                world.advance(minutes=6)
            if all(message.status == "sent" for message in world.messages()):
                break
    assert deaths >= CASES / 2
    world.deliver_all()


def _follow_ours(world: RecordWorld, tracker: RequestTracker) -> None:
    world.cases.assign(world.case_id(0), ANN, person="ann")
    world.cases.comment(world.case_id(0), ANN, text="They want a discount. ünï")
    world.cases.resolve(world.case_id(0), ANN, verdict="saved", comment="They stay.")
    world.deliver_all()
    ticket = world.row(0).external_id or ""
    row = next(row for row in tickets(tracker) if row["id"] == ticket)
    assert (row["Status"], row["Owner"]["id"]) == ("resolved", "ann")
    assert history(tracker, ticket, "Comment") == 3
    assert world.read().changes == []


def _follow_theirs(world: RecordWorld, tracker: RequestTracker) -> None:
    ticket = world.row(1).external_id or ""
    tracker.call("PUT", f"/ticket/{ticket}", {"Owner": "cid"})
    tracker.call("POST", f"/ticket/{ticket}/comment", {"Content": "The sponsor signed. é", "ContentType": "text/plain"})
    tracker.call("PUT", f"/ticket/{ticket}", {"Status": "resolved"})
    report = world.read()
    assert report.problems == []
    assert (world.case(1).owner, world.case(1).state) == ("cid", "no_action")
    resolved = world.history(1)[-1]
    assert (resolved.actor, resolved.comment) == ("zoe (Request Tracker)", "The sponsor signed. é")
    tracker.call("PUT", f"/ticket/{ticket}", {"Status": "open"}, by="cid")
    world.read()
    assert (world.case(1).closed_at, world.case(1).owner) == (None, "cid")
    gone = world.row(2).external_id or ""
    tracker.call("DELETE", f"/ticket/{gone}")
    assert "was not found there" in world.read().problems[0]
