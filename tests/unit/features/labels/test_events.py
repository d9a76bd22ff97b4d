"""Events of a table: a condition over its rows, as our copy knew them when the label matured."""

from datetime import date
from typing import Any

import pytest
from support.worlds.factories import Story

from features.labels.labels import LabelRule, eligibility, label

CUTOFF = date(2026, 1, 1)
BIG_BILL = LabelRule("big_bill", "event", horizon=20, table="invoices", where="amount > 1000")


def answer(story: Story, rule: LabelRule) -> dict[str, Any]:
    story.account("last", "2025-01-01").health("last", "2026-06-01", 50.0)
    return next(row for row in label(story.history(), [CUTOFF], rule).to_pylist() if row["account_id"] == "acme")


def acme() -> Story:
    return Story().account("acme", "2025-01-01").subscription("acme", "2025-01-01")


def test_a_row_that_meets_the_condition_is_the_event() -> None:
    story = acme().invoice("acme", "2026-01-05", 500.0).invoice("acme", "2026-01-09", 5000.0)
    found = answer(story, BIG_BILL)
    assert (found["event"], found["event_at"].date()) == (True, date(2026, 1, 9))


@pytest.mark.parametrize(("corrected", "event"), [("2026-01-15", False), ("2026-03-01", True)])
def test_a_correction_counts_if_it_was_known_when_the_label_matured(corrected: str, event: bool) -> None:
    bill = {"invoice_id": "bill"}
    story = acme().invoice("acme", "2026-01-09", 5000.0, known_at="2026-01-09", **bill)
    story.invoice("acme", "2026-01-09", 50.0, known_at=corrected, **bill)
    assert answer(story, BIG_BILL)["event"] is event


def test_a_correction_can_make_it_an_event() -> None:
    bill = {"invoice_id": "bill"}
    story = acme().invoice("acme", "2026-01-09", 50.0, known_at="2026-01-09", **bill)
    story.invoice("acme", "2026-01-09", 5000.0, known_at="2026-01-12", **bill)
    assert answer(story, BIG_BILL)["event"] is True


def test_an_event_of_a_ticket_belongs_to_the_tickets_account() -> None:
    rule = LabelRule("reopening", "event", horizon=20, table="ticket_events", where="kind = 'reopened' AND value = 'x'")
    story = acme().ticket("acme", "2025-12-01", "t").event("reopened", "2026-01-04", "y", "t")
    assert answer(story, rule)["event"] is False
    story = acme().ticket("acme", "2025-12-01", "t").event("reopened", "2026-01-04", "x", "t")
    assert answer(story, rule)["event"] is True


def test_without_subscriptions_an_account_with_rows_of_the_table_is_a_customer() -> None:
    story = Story().account("acme", "2025-01-01").account("new", "2025-01-01").invoice("acme", "2025-11-01", 5.0)
    found = eligibility(story.history(), [CUTOFF], BIG_BILL).to_pylist()
    assert [(row["account_id"], row["eligible"], row["why"]) for row in found] == [
        ("acme", True, None),
        ("new", False, "no_activity"),
    ]


def test_seats_may_decrease_in_place_of_revenue() -> None:
    rule = LabelRule("seats", "decrease", horizon=20, grace=5, measure="seats", share=0.5)
    story = Story().account("acme", "2025-01-01")
    for known, seats in (("2025-01-01", 10), ("2026-01-09", 6), ("2026-01-14", 5)):
        story.subscription("acme", "2025-01-01", "s", seats=seats, arr=100.0, known_at=known)
    assert answer(story, rule)["event_at"].date() == date(2026, 1, 14)


def test_a_decrease_in_a_source_of_the_present_state_is_an_end() -> None:
    rule = LabelRule("contraction", "decrease", horizon=20, grace=5)
    story = Story().account("acme", "2025-01-01").subscription("acme", "2025-01-01", arr=60.0)
    story.subscription("acme", "2025-01-01", arr=40.0, ended_at="2026-01-10")
    assert answer(story, rule)["event_at"].date() == date(2026, 1, 10)


def test_equal_subscriptions_are_counted_each() -> None:
    rule = LabelRule("contraction", "decrease", horizon=20, grace=5, share=0.6)
    story = Story().account("acme", "2025-01-01").subscription("acme", "2025-01-01", arr=100.0)
    story.subscription("acme", "2025-01-01", "left", arr=100.0, known_at="2025-01-01")
    story.subscription("acme", "2025-01-01", "left", arr=100.0, ended_at="2026-01-10", known_at="2026-01-10")
    assert answer(story, rule)["event"] is False


def test_revenue_that_was_unknown_for_a_while_can_decrease_later() -> None:
    rule = LabelRule("contraction", "decrease", horizon=20, grace=5)
    story = Story().account("acme", "2025-01-01")
    for known, arr in (("2025-01-01", None), ("2025-06-01", 100.0), ("2026-01-09", 50.0)):
        story.subscription("acme", "2025-01-01", "s", arr=arr, known_at=known)
    assert answer(story, rule)["event_at"].date() == date(2026, 1, 9)


def test_an_event_stays_with_the_account_that_the_ticket_had_first() -> None:
    rule = LabelRule("reopening", "event", horizon=20, table="ticket_events", where="kind = 'reopened'")
    story = acme().account("other", "2025-01-01")
    story.ticket("acme", "2025-12-01", "t", known_at="2025-12-01").event("reopened", "2026-01-04", ticket_id="t")
    story.ticket("other", "2025-12-01", "t", known_at="2026-03-01")
    assert answer(story, rule)["event"] is True


def test_a_corrected_kind_takes_an_event_back() -> None:
    rule = LabelRule("reopening", "event", horizon=20, table="ticket_events", where="kind = 'reopened'")
    story = acme().ticket("acme", "2025-12-01", "t")
    story.event("reopened", "2026-01-04", ticket_id="t", event_id="e", known_at="2026-01-04")
    assert answer(story, rule)["event"] is True
    story.event("comment", "2026-01-04", ticket_id="t", event_id="e", known_at="2026-01-10")
    assert answer(story, rule)["event"] is False


def test_an_invoice_that_was_learned_after_the_label_matured_is_not_late() -> None:
    rule = LabelRule("late_payment", "overdue", horizon=20, days=5)
    late = {"due_at": "2026-01-05", "paid_at": None}
    story = acme().invoice("acme", "2025-12-10", paid_at="2025-12-11", due_at="2025-12-20", known_at="2025-12-11")
    story.invoice("acme", "2025-12-28", known_at="2026-03-01", **late)
    assert answer(story, rule)["event"] is False
    story.invoice("acme", "2025-12-28", known_at="2025-12-28", **late)
    assert answer(story, rule)["event"] is True


def test_nobody_is_active_in_tables_that_the_source_lacks() -> None:
    rule = LabelRule("silent", "silence", horizon=20, active_on=("invoices",))
    story = Story().account("acme", "2025-12-01").health("acme", "2025-12-01", 50.0)
    assert eligibility(story.history(), [CUTOFF], rule).column("why").to_pylist() == ["no_activity"]


def test_a_return_counts_from_the_first_time_that_it_was_known() -> None:
    rule = LabelRule("churn", "contract", horizon=20)
    story = Story().account("acme", "2025-01-01").subscription("acme", "2025-01-01", "s", known_at="2025-01-01")
    story.subscription("acme", "2025-01-01", "s", ended_at="2026-01-31", known_at="2026-01-10")
    story.subscription("acme", "2026-02-10", "late", known_at="2026-03-01")
    assert answer(story, rule)["event"] is True
    story.subscription("acme", "2026-02-01", "early", known_at="2026-02-01")
    assert answer(story, rule)["event"] is False
