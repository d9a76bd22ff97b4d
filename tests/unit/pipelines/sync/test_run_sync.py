"""The sync of a help desk: changes only, limits, expired tokens, changed interfaces, deleted rows, kills."""

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.rest_server import Answer, RestServer, serving

from features.errors import UsageError
from pipelines.setting_sections.sync_settings import SyncSettings
from pipelines.sync.run_sync import SyncReport, sync_system, sync_systems, synced_file
from pipelines.sync.sync_errors import SyncError

PAGE = 3
TABLES = ("tickets", "organizations")
NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)


class HelpDesk:
    """Zendesk's incremental export of tickets, and its list of organisations."""

    def __init__(self, tickets: int = 7) -> None:
        self.tickets = [self.ticket(number, 1000 + number) for number in range(1, tickets + 1)]
        self.organizations = [
            {"id": number, "name": f"Org {number}", "created_at": "2026-01-01T00:00:00Z"} for number in (1, 2)
        ]
        self.token, self.busy, self.key = "secret", 0, "tickets"
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.stops_after, self.asked = 0, 0

    @staticmethod
    def ticket(number: int, changed: int, **values: Any) -> dict[str, Any]:
        return {"id": number, "generated_timestamp": changed, "status": "open", "subject": f"T{number}"} | {
            "created_at": "2026-01-01T00:00:00Z", "tags": ["a", "b"], **values
        }  # fmt: skip

    def respond(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        self.asked += 1
        if self.asked > self.stops_after:
            self.goes_on.wait(60)
        expected = "Basic " + base64.b64encode(f"ann@example.com/token:{self.token}".encode()).decode()
        if headers.get("Authorization") != expected:
            return 401, {}, {"error": "Couldn't authenticate you"}
        if self.busy:
            self.busy -= 1
            return 429, {"Retry-After": "1"}, {"error": "too many requests"}
        if path == "/api/v2/organizations.json":
            return 200, {}, {"organizations": self.organizations, "links": {"next": None}}
        since = int(query.get("cursor", query.get("start_time", "0")))
        later = sorted(
            (it for it in self.tickets if it["generated_timestamp"] >= since), key=lambda it: it["generated_timestamp"]
        )
        page = later[:PAGE]
        after = page[-1]["generated_timestamp"] + 1 if page else since
        address = f"http://{headers['Host']}{path}?cursor={after}"
        return 200, {}, {self.key: page, "after_url": address, "end_of_stream": len(later) <= PAGE}


def settings_of(server: RestServer, token: str = "secret", **given: Any) -> SyncSettings:
    return SyncSettings(
        **{"kind": "zendesk", "address": server.address, "user": "ann@example.com", "token": token, "tables": TABLES}
        | given
    )


def read(home: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(synced_file(home, "desk")), read_only=True) as connection:
        return connection.execute(query).fetchall()


def synced(home: Path, server: RestServer, days: float = 0, **given: Any) -> SyncReport:
    full = given.pop("full", False)
    return sync_system(home, "desk", settings_of(server, **given), full=full, clock=lambda: NOW + timedelta(days=days))


def counts(report: SyncReport) -> dict[str, tuple[int, int, int]]:
    return {table.name: (table.rows, table.new, table.gone) for table in report.tables}


def test_the_second_sync_asks_for_changes_and_keeps_the_newest_version(tmp_path: Path) -> None:
    desk = HelpDesk()
    with serving(desk.respond) as server:
        first = synced(tmp_path, server)
        assert (first.full, counts(first)) == (True, {"organizations": (2, 2, 0), "tickets": (7, 7, 0)})
        assert server.paths().count("/api/v2/incremental/tickets/cursor.json") == 3
        server.requests.clear()
        desk.tickets[0] = HelpDesk.ticket(1, 2000, status="solved", tags=["c"])
        second = synced(tmp_path, server, days=1)
    asked = [query for path, query in server.requests if "tickets" in path]
    assert asked == [{"start_time": "1007", "per_page": "1000"}]
    assert (second.full, counts(second)["tickets"][0], second.warnings) == (False, 7, ())
    assert read(tmp_path, "SELECT id, status FROM zendesk.tickets WHERE id <= 2 ORDER BY id") == [
        (1, "solved"),
        (2, "open"),
    ]
    parent = "(SELECT _dlt_id FROM zendesk.tickets WHERE id = 1)"
    assert read(tmp_path, f"SELECT value FROM zendesk.tickets__tags WHERE _dlt_parent_id = {parent}") == [("c",)]


def test_requests_beyond_the_quota_wait_as_long_as_the_server_says(tmp_path: Path) -> None:
    desk = HelpDesk()
    desk.busy = 2
    with serving(desk.respond) as server:
        assert counts(synced(tmp_path, server))["tickets"] == (7, 7, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"token": "another"}, r"the token is not accepted.*renew \[sync\.desk\] token"),
        ({"key": "items"}, "the answer of /api/v2/incremental/tickets/cursor.json has no 'tickets'"),
    ],
)
def test_a_failed_sync_is_one_sentence_and_keeps_the_last_file(
    tmp_path: Path, change: dict[str, str], message: str
) -> None:
    desk = HelpDesk()
    with serving(desk.respond) as server:
        synced(tmp_path, server)
        before = synced_file(tmp_path, "desk").read_bytes()
        vars(desk).update(change)
        desk.tickets.append(HelpDesk.ticket(8, 3000))
        with pytest.raises(SyncError, match=message) as failed:
            synced(tmp_path, server, days=1)
        assert "secret" not in str(failed.value)
        assert synced_file(tmp_path, "desk").read_bytes() == before
        desk.token, desk.key = "secret", "tickets"
        assert counts(synced(tmp_path, server, days=1))["tickets"][0] == 8


def test_a_server_that_is_gone_is_named_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.sync.rest_tables.ATTEMPTS", 2)
    with serving(HelpDesk().respond) as server:
        gone = SyncSettings(kind="stripe", address="http://127.0.0.1:9", token="t", tables=("products",))
        outcomes = list(sync_systems(tmp_path, {"bills": gone, "desk": settings_of(server)}, None))
    assert str(outcomes[0]).startswith("[sync.bills]: the system does not answer (")
    assert isinstance(outcomes[1], SyncReport)


def test_deleted_rows_are_noticed_when_everything_is_read_again(tmp_path: Path) -> None:
    desk = HelpDesk()
    with serving(desk.respond) as server:
        synced(tmp_path, server)
        del desk.tickets[2], desk.organizations[0]
        changes = synced(tmp_path, server, days=1)
        assert counts(changes) == {"organizations": (1, 1, 1), "tickets": (7, 0, 0)}
        whole = synced(tmp_path, server, days=8)
        assert (whole.full, counts(whole)["tickets"]) == (True, (6, 6, 1))


def test_changes_of_the_form_are_reported(tmp_path: Path) -> None:
    desk = HelpDesk(tickets=30)
    with serving(desk.respond) as server:
        synced(tmp_path, server)
        desk.tickets = [HelpDesk.ticket(n, 5000 + n, brand="x", subject=None, status=n) for n in range(1, 31)]
        report = synced(tmp_path, server, days=1)
    assert "tickets has new columns: brand." in report.warnings
    assert any(text.startswith("tickets.subject had values before, and has none in the 30") for text in report.warnings)


def test_a_table_of_the_settings_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with (
        serving(HelpDesk().respond) as server,
        pytest.raises(UsageError, match="has no 'ticket'; did you mean 'tickets'"),
    ):
        synced(tmp_path, server, tables=("ticket",))


@pytest.mark.parametrize(
    "address", ["http://example.com", "ftp://example.com", "https://a:b@example.com", "example.com"]
)
def test_an_address_without_encryption_is_refused(address: str) -> None:
    with pytest.raises(Exception, match=r"address of a \[sync\] section"):
        SyncSettings(kind="zendesk", address=address, token="t")


def test_a_killed_sync_goes_on_and_ends_like_one_that_was_not(tmp_path: Path) -> None:
    desk = HelpDesk(tickets=12)
    script = (
        "import sys; from pathlib import Path; from pipelines.sync.run_sync import sync_system; "
        "from pipelines.setting_sections.sync_settings import SyncSettings; "
        "sync_system(Path(sys.argv[1]), 'desk', SyncSettings(kind='zendesk', address=sys.argv[2], "
        "user='ann@example.com', token='secret', tables=('tickets', 'organizations')))"
    )
    with serving(desk.respond) as server:
        desk.stops_after = 2
        desk.goes_on.clear()
        running = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), server.address], stderr=subprocess.DEVNULL
        )
        _wait_for(lambda: len(server.requests) >= 3)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        assert not synced_file(tmp_path, "desk").exists()
        desk.goes_on.set()
        assert counts(synced(tmp_path, server))["tickets"][0] == 12
    assert read(tmp_path, "SELECT count(DISTINCT id), count(*) FROM zendesk.tickets") == [(12, 12)]


def test_two_syncs_of_one_system_at_once_are_refused(tmp_path: Path) -> None:
    desk = HelpDesk()
    desk.goes_on.clear()
    with serving(desk.respond) as server:
        first = threading.Thread(target=lambda: synced(tmp_path, server))
        first.start()
        _wait_for(lambda: bool(server.requests))
        with pytest.raises(SyncError, match="another sync of it is running"):
            synced(tmp_path, server)
        desk.goes_on.set()
        first.join()


def _wait_for(happened: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
