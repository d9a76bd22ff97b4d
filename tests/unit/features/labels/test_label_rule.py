"""A label rule refuses what cannot be, and says when its label matures."""

from datetime import date

import pyarrow as pa
import pytest
from support.worlds.factories import Story

from features.errors import UsageError
from features.labels.labels import LabelRule, eligibility, label

CHURN = LabelRule("churn", "contract", horizon=90, lead=7)


def test_maturity_waits_for_the_grace_of_a_contract_only() -> None:
    escalation = LabelRule("escalation", "event", horizon=14, table="ticket_events", where="kind = 'escalated'")
    assert CHURN.matures_on(date(2026, 1, 1)) == date(2026, 5, 8)
    assert escalation.matures_on(date(2026, 1, 1)) == date(2026, 1, 15)


@pytest.mark.parametrize("settings", [{"horizon": 0}, {"horizon": 9, "lead": -1}, {"horizon": 9, "active": 0}])
def test_impossible_lengths_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="risk churn needs whole days"):
        LabelRule("churn", "silence", **settings)


def test_unknown_activity_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match="active_on takes one or more of tickets, usage_daily, invoices"):
        LabelRule("churn", "silence", horizon=90, active_on=("visits",))


def test_churn_by_contract_needs_subscriptions() -> None:
    history = Story().account("acme").ticket("acme", "2026-01-05").history()
    with pytest.raises(UsageError, match="set kind to 'silence'"):
        eligibility(history, [date(2026, 2, 1)], CHURN)


def test_an_account_is_asked_about_from_the_day_after_we_know_it() -> None:
    story = Story().account("old", "2025-01-01").account("new", "2026-02-01")
    for name in ("old", "new"):
        story.subscription(name, "2026-02-01")
    found = eligibility(story.history(), [date(2026, 2, 2), date(2026, 2, 1)], CHURN).to_pylist()
    assert [(row["as_of"].day, row["account_id"], row["eligible"], row["why"]) for row in found] == [
        (1, "old", False, "no_subscription"),
        (2, "new", True, None),
        (2, "old", True, None),
    ]


def test_columns_and_types_of_a_label() -> None:
    history = Story().account("acme").subscription("acme", "2025-01-01").history()
    found = label(history, [date(2025, 3, 1)], CHURN)
    assert found.schema.equals(
        pa.schema(
            {
                "account_id": pa.string(),
                "as_of": pa.date32(),
                "event": pa.bool_(),
                "unknown": pa.string(),
                "event_at": pa.timestamp("us"),
                "treated": pa.bool_(),
                "holdout": pa.bool_(),
            }
        )
    )
