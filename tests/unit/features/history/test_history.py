"""The one door: what was known at a cutoff, and nothing else."""

from datetime import date, datetime

import duckdb
import pyarrow as pa
import pytest
from support.worlds.factories import Story


def test_a_back_filled_score_is_not_seen_before_it_was_known() -> None:
    story = Story().account("acme").health("acme", "2026-02-10", 20.0, known_at="2026-04-01")
    history = story.history()
    assert history.as_of(date(2026, 4, 1)).rows("health_scores").num_rows == 0
    assert history.as_of(date(2026, 4, 2)).rows("health_scores").num_rows == 1


def test_the_newest_known_version_is_the_state() -> None:
    story = Story().account("acme")
    story.subscription("acme", "2025-01-01", "S1", seats=5, known_at="2025-01-01")
    story.subscription("acme", "2025-01-01", "S1", seats=9, ended_at="2026-05-01", known_at="2026-02-01")
    history = story.history()
    assert history.as_of(date(2026, 2, 1)).rows("subscriptions").column("seats").to_pylist() == [5]
    noticed = history.as_of(date(2026, 2, 2)).rows("subscriptions").to_pylist()
    assert [(row["seats"], row["ended_at"]) for row in noticed] == [(9, datetime.fromisoformat("2026-05-01"))]


def test_a_current_state_source_hides_how_things_ended() -> None:
    story = Story().account("acme").invoice("acme", "2026-01-01", due_at="2026-02-01", paid_at="2026-03-05")
    row = story.history().as_of(date(2026, 3, 1)).rows("invoices").to_pylist()[0]
    assert row["paid_at"] is None
    assert row["due_at"] == datetime.fromisoformat("2026-02-01")


def test_how_something_ended_shows_on_the_day_after() -> None:
    history = Story().account("acme").invoice("acme", "2026-01-01", paid_at="2026-03-05").history()
    paid = [history.as_of(date(2026, 3, day)).rows("invoices").column("paid_at").to_pylist() for day in (5, 6)]
    assert paid == [[None], [datetime.fromisoformat("2026-03-05")]]


def test_a_day_of_use_is_known_when_it_is_over() -> None:
    history = Story().account("acme").usage("acme", "2026-02-01", days=2).history()
    assert history.as_of(date(2026, 2, 2)).rows("usage_daily").column("day").to_pylist() == [date(2026, 2, 1)]


def test_rows_can_be_limited_to_accounts_and_days() -> None:
    story = Story().accounts("acme", "beta")
    story.ticket("acme", "2026-02-01", "T1").event("comment", "2026-02-02")
    story.ticket("beta", "2026-02-03", "T2").event("comment", "2026-02-04")
    now = story.history().as_of(date(2026, 3, 1))
    assert now.rows("ticket_events", accounts=["beta"]).column("ticket_id").to_pylist() == ["T2"]
    assert now.rows("ticket_events", tickets=["T2"]) == now.rows("ticket_events", accounts=["beta"])
    assert now.rows("tickets", accounts=["beta"]).column("ticket_id").to_pylist() == ["T2"]
    assert now.rows("tickets", since=date(2026, 2, 2)).column("ticket_id").to_pylist() == ["T2"]
    assert now.rows("tickets", since=date(2026, 2, 3)).column("ticket_id").to_pylist() == ["T2"]


def test_the_span_ends_the_day_after_the_newest_row_known() -> None:
    story = Story().account("acme", "2025-06-01").health("acme", "2026-02-10", 20.0, known_at="2026-02-12")
    history = story.history()
    assert (history.first, history.until) == (date(2025, 6, 1), date(2026, 2, 13))


def test_a_subscription_that_was_signed_ahead_does_not_move_the_end_of_the_span() -> None:
    story = Story().account("acme").invoice("acme", "2026-01-01").subscription("acme", "2027-01-01", "S1")
    assert story.history().until == date(2026, 1, 2)
    story.subscription("acme", "2027-01-01", "S1", known_at="2026-01-05")
    assert story.history().until == date(2026, 1, 6)
    assert Story().account("acme").subscription("acme", "2025-02-01", "S1").history().until == date(2025, 2, 2)


def test_what_a_source_lacks_is_there_and_empty() -> None:
    history = Story().account("acme").history()
    assert history.as_of(date(2026, 1, 1)).rows("invoices").num_rows == 0
    assert history.query("SELECT * FROM invoices").num_rows == 0
    assert "invoices" not in history.present
    assert history.as_of(date(2026, 1, 1)).rows("accounts").column("segment").to_pylist() == [None]


def test_a_value_is_computed_once_for_a_history() -> None:
    history, computed = Story().account("acme").history(), []

    def compute() -> int:
        computed.append("again")
        return 5

    assert [history.cached("five", compute), history.cached("five", compute)] == [5, 5]
    assert len(computed) == 1


def test_a_temporary_table_can_be_read_until_the_block_ends() -> None:
    history = Story().account("acme").history()
    with history.temporary_table("wanted", pa.table({"number": [1, 2]})):
        assert history.query("SELECT number FROM wanted").column("number").to_pylist() == [1, 2]
    with pytest.raises(duckdb.CatalogException):
        history.query("SELECT number FROM wanted")
