"""What machines ask of the app: alive, ready, and figures that hold no name; and what is wrong, as sentences."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from support.nights.night_factory import NOW
from support.web.web_people import People, opened, settled

from serving.operations.attempts import begin_attempt
from serving.operations.operation_state import list_problems, read_state
from serving.operations.operator_messages import (
    OperatorMessage,
    dead_letters_message,
    enqueue_operator_messages,
    missing_nights_message,
)
from serving.store import Store
from serving.store.exchange import Message
from serving.store.operations_tables import AttemptRow
from serving.store.tables import NightRow


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    found = opened(tmp_path / "rescue.db", metrics_networks=["127.0.0.0/8", "10.9.0.0/16"])
    found.store.migrate()
    settled(found.store, 2)
    yield found
    found.close()


def figures(page: str) -> dict[str, float]:
    lines = [line for line in page.splitlines() if line and not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_alive_and_ready(people: People) -> None:
    browser = people.browser()
    assert (browser.get("/healthz").status_code, browser.get("/readyz").status_code) == (200, 200)
    with people.store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert (browser.get("/healthz").status_code, browser.get("/readyz").status_code) == (200, 503)


def test_ready_needs_the_database(tmp_path: Path) -> None:
    (tmp_path / "rescue.db").write_bytes(b"this is no database" * 100)
    people = opened(tmp_path / "rescue.db")
    browser = people.browser()
    assert (browser.get("/healthz").status_code, browser.get("/readyz").status_code) == (200, 503)
    assert browser.get("/metrics").status_code == 503
    people.close()


def test_the_figures_are_those_of_the_queue(people: People) -> None:
    record = begin_attempt(people.store, date(2026, 3, 2))
    record.end("stopped", "the source is stale")
    browser = people.browser()
    browser.get("/sign-in")
    browser.get("/case/none")
    page = browser.get("/metrics").text
    found = figures(page)
    assert found['rescue_cases{state="new"}'] == 4
    assert found['rescue_last_attempt{outcome="stopped"}'] == 1
    assert found['rescue_last_attempt{outcome="recorded"}'] == 0
    assert found["rescue_schema_current"] == 1
    assert found['rescue_request_seconds_count{method="GET",route="/sign-in",status="200"}'] == 1
    for name in ("Nordlicht", "acme", "the source is stale"):
        assert name not in page


def test_figures_are_for_the_networks_of_the_settings(people: People) -> None:
    assert people.browser(address=("10.9.1.1", 1)).get("/metrics").status_code == 200
    assert people.browser(address=("10.8.1.1", 1)).get("/metrics").status_code == 404


def test_an_attempt_whose_process_is_gone_was_interrupted(people: People) -> None:
    begin_attempt(people.store, date(2026, 3, 2))
    with people.store.transaction() as session:
        row = session.query(AttemptRow).one()
        row.holder = f"{row.holder}1"  # another start of the same process id
    with people.store.reading() as session:
        problems = list_problems(read_state(session, NOW), date(2026, 3, 2))
    assert any("interrupted" in problem for problem in problems)
    begin_attempt(people.store, date(2026, 3, 2))
    with people.store.reading() as session:
        assert sorted(row.outcome for row in session.query(AttemptRow)) == ["interrupted", "running"]


def test_a_missing_night_is_told_where_nights_are_a_habit(people: People) -> None:
    newest = date(2026, 3, 1)
    with people.store.reading() as session:
        assert missing_nights_message(session, newest + timedelta(days=9)) is None  # one night is no habit
    with people.store.transaction() as session:
        for days in (1, 2):
            session.add(
                NightRow(
                    as_of=newest - timedelta(days=days), run_id="r", epoch=1, status="recorded",
                    lease_until=NOW, started_at=NOW, recorded_at=NOW,
                )
            )  # fmt: skip
    with people.store.reading() as session:
        assert missing_nights_message(session, newest + timedelta(days=1)) is None
        message = missing_nights_message(session, newest + timedelta(days=3))
    assert message is not None
    assert message.subject == "2 nights are missing since 1 Mar 2026"


def test_each_message_to_operators_is_written_once(people: People) -> None:
    message = OperatorMessage("operations.night_failed", "The night failed", "Because.", ("2026-03-01", "a"))
    with people.store.transaction() as session:
        assert enqueue_operator_messages(session, [message], ["ops", "mail"], at=NOW) == 2
        assert enqueue_operator_messages(session, [message], ["ops", "mail"], at=NOW) == 0
        assert dead_letters_message(session, NOW.date()) is None
        for row in session.query(Message):
            row.status = "dead"
        assert dead_letters_message(session, NOW.date()) is None  # those to operators do not count
        row.kind = "case.opened"
        session.flush()
        found = dead_letters_message(session, NOW.date())
    assert found is not None
    assert "1 message could not be delivered" in found.subject


def test_a_current_database_is_opened_while_somebody_writes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rescue.db'}"
    with Store(url) as first, Store(url) as second:
        first.migrate()
        with first.transaction() as session:
            session.add(AttemptRow(id="a", as_of=NOW.date(), started_at=NOW, outcome="running"))
            session.flush()
            started = time.monotonic()
            second.migrate()
            with second.reading() as reader:
                assert read_state(reader, NOW).attempt is None
            assert time.monotonic() - started < 5
