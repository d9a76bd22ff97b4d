"""Words for "empty", dates for "never", vocabularies, and events of another kind are replaced once, where needed."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.contract import TABLES
from features.source_table import SourceTable
from features.validation.incoming_table import IncomingTable
from features.validation.validate import Validation, validate_tables
from features.validation.value_replacements import find_replacements
from features.validation.values.reading_rules import ReadingRules

at = datetime.fromisoformat
JUNE = at("2026-06-01")
ACCOUNTS: dict[str, list[Any]] = {"account_id": ["a", "b"], "created_at": [at("2025-01-01")] * 2}


def validated(folder: Path, reading: ReadingRules | None = None, **tables: dict[str, Any]) -> Validation:
    sources = []
    for name, rows in {"accounts": ACCOUNTS, **tables}.items():
        pq.write_table(pa.table(rows), folder / f"{name}.parquet")
        sources.append(SourceTable(name, (str(folder / f"{name}.parquet"),)))
    return validate_tables(duckdb.connect(), sources, scratch=folder / "accepted", reading=reading)


def column(validation: Validation, sql: str) -> list[Any]:
    return validation.history.query(sql).column(0).to_pylist()


def test_a_clean_table_needs_no_replacement(tmp_path: Path) -> None:
    rows = {"ticket_id": ["t"], "account_id": ["a"], "opened_at": [JUNE], "priority": ["urgent"], "merged_into": [None]}
    pq.write_table(pa.table(rows), tmp_path / "tickets.parquet")
    source = SourceTable("tickets", (str(tmp_path / "tickets.parquet"),))
    connection = duckdb.connect()
    assert find_replacements(IncomingTable(connection, TABLES["tickets"], source, source.types(connection))) == {}


@pytest.mark.parametrize("word", ["NULL", "null", "N/A", "n/a", "NaN", "None", "-", "", " "])
def test_words_for_empty_are_empty_but_in_free_text(tmp_path: Path, word: str) -> None:
    accounts = {**ACCOUNTS, "parent_id": [word, "group"], "name": [word, "Acme"], "type": [word, "Trial"]}
    validation = validated(tmp_path, accounts=accounts, tickets=_tickets())
    assert column(validation, "SELECT parent_id FROM accounts ORDER BY account_id") == [None, "group"]
    assert column(validation, "SELECT type FROM accounts ORDER BY account_id") == [None, "trial"]
    assert column(validation, "SELECT name FROM accounts ORDER BY account_id") == [word, "Acme"]


def test_words_for_empty_are_no_numbers_and_no_times(tmp_path: Path) -> None:
    rows = {
        "subscription_id": ["s", "t"],
        "account_id": ["a", "a"],
        "started_at": ["2026-01-01", "2026-01-01"],
        "seats": ["N/A", "5"],
        "renews_at": ["-", "2027-01-01"],
    }
    validation = validated(tmp_path, subscriptions=rows)
    assert validation.report.tables["subscriptions"].accepted == 2
    assert column(validation, "SELECT seats FROM subscriptions ORDER BY seats") == [5, None]


@pytest.mark.parametrize("as_text", [True, False])
def test_dates_for_never_are_empty(tmp_path: Path, as_text: bool) -> None:
    ends = [at("9999-12-31"), at("1900-01-01T05:00"), at("9999-12-30T23:00"), at("2150-01-01")]
    texts: list[Any] = [str(end) for end in ends] if as_text else ends
    rows = {"subscription_id": list("rstu"), "account_id": ["a"] * 4, "started_at": [JUNE] * 4, "ended_at": texts}
    validation = validated(tmp_path, subscriptions=rows)
    assert column(validation, "SELECT ended_at FROM subscriptions") == [None] * 3
    assert validation.report.tables["subscriptions"].quarantined == {"out_of_range": 1}


def test_the_settings_name_other_dates_for_never(tmp_path: Path) -> None:
    rows = {"subscription_id": ["s"], "account_id": ["a"], "started_at": [JUNE], "ended_at": [at("2099-12-31")]}
    assert column(validated(tmp_path, subscriptions=rows), "SELECT ended_at FROM subscriptions") == [at("2099-12-31")]
    reading = ReadingRules(no_dates=(date(2099, 12, 31),))
    assert column(validated(tmp_path, reading, subscriptions=rows), "SELECT ended_at FROM subscriptions") == [None]


def test_own_words_are_given_a_meaning(tmp_path: Path) -> None:
    tickets = _tickets("Panic", "Sev 1", "blau", "LOW")
    reading = ReadingRules({"priority": {"Panic": "urgent"}})
    validation = validated(tmp_path, reading, tickets=tickets)
    assert column(validation, "SELECT priority FROM tickets ORDER BY ticket_id") == ["urgent", "urgent", "blau", "low"]


def test_numbers_are_words_too(tmp_path: Path) -> None:
    tickets = {**_tickets("", "", ""), "priority": [1, 3, None]}
    validation = validated(tmp_path, tickets=tickets)
    assert column(validation, "SELECT priority FROM tickets ORDER BY ticket_id") == ["urgent", "normal", None]


def _tickets(*priorities: str) -> dict[str, Any]:
    count = len(priorities) or 1
    ids = [f"t{number}" for number in range(count)]
    rows = {"ticket_id": ids, "account_id": ["a"] * count, "opened_at": [JUNE] * count}
    return {**rows, "priority": list(priorities)} if priorities else rows


def _events(*events: tuple[str, str, str | None], known: list[datetime] | None = None) -> dict[str, Any]:
    """Events of the ticket ``t0``: day of June, kind and value."""
    days, kinds, values = zip(*events, strict=True)
    rows: dict[str, Any] = {
        "ticket_id": ["t0"] * len(events),
        "occurred_at": [at(f"2026-06-{day}") for day in days],
        "kind": list(kinds),
        "value": pa.array(values, pa.string()),
    }
    return {**rows, "known_at": known} if known else rows


def kinds(validation: Validation) -> list[str]:
    return column(validation, "SELECT kind FROM ticket_events ORDER BY occurred_at")


def test_a_status_that_is_an_event_is_read_as_one(tmp_path: Path) -> None:
    events = _events(("02", "Status", "Resolved"), ("03", "status", "Closed"), ("04", "status", "Escalated"))
    validation = validated(tmp_path, tickets=_tickets(), ticket_events=events)
    assert kinds(validation) == ["solved", "closed", "escalated"]


def test_a_working_status_after_solved_reopens_a_ticket_once(tmp_path: Path) -> None:
    events = _events(
        ("02", "status", "open"),
        ("03", "status", "solved"),
        ("04", "status", "Pending"),
        ("05", "status", "open"),
        ("06", "closed", None),
        ("07", "status", "In Progress"),
    )
    validation = validated(tmp_path, tickets=_tickets(), ticket_events=events)
    assert kinds(validation) == ["status", "solved", "reopened", "status", "closed", "reopened"]


def test_an_event_that_is_learned_later_changes_no_earlier_one(tmp_path: Path) -> None:
    days = ["2026-06-20", "2026-06-05"]  # the solution is entered two weeks after the status that follows it
    events = _events(("03", "solved", None), ("04", "status", "open"), known=[at(day) for day in days])
    validation = validated(tmp_path, tickets=_tickets(), ticket_events=events)
    assert kinds(validation) == ["solved", "status"]


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("closed", "merged into t1", "merged"),
        ("Closed", "Closed by merge into #12", "merged"),
        ("solved", "Duplicate of T-7", "merged"),
        ("status", "merged", "merged"),
        ("closed", "the pull request was merged", "closed"),
        ("comment", "merged into t1", "comment"),
    ],
)
def test_a_closing_event_may_say_that_the_ticket_was_merged(tmp_path: Path, kind: str, value: str, read: str) -> None:
    validation = validated(tmp_path, tickets=_tickets(), ticket_events=_events(("02", kind, value)))
    assert kinds(validation) == [read]


def test_ratings_in_words_are_numbers(tmp_path: Path) -> None:
    events = _events(("02", "Satisfaction rating", "Good"), ("03", "csat", "bad"), ("04", "csat", "4.5"))
    validation = validated(tmp_path, tickets=_tickets(), ticket_events=events)
    assert column(validation, "SELECT value FROM ticket_events ORDER BY occurred_at") == ["5", "1", "4.5"]
