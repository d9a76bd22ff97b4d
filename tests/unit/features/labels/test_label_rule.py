"""A label rule refuses what cannot be, and says when its label matures."""

from datetime import date

import pyarrow as pa
import pytest
from support.worlds.factories import Story

from features.errors import UsageError
from features.labels.labels import LabelRule, eligibility, label

CHURN = LabelRule("churn", "contract", horizon=90, lead=7)
ACTIVE_ON = ("tickets", "invoices")


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


def test_the_order_of_the_tables_of_activity_makes_no_difference() -> None:
    rules = [LabelRule("churn", "silence", horizon=90, active_on=names) for names in (ACTIVE_ON, ACTIVE_ON[::-1])]
    assert rules[0] == rules[1]


def test_an_event_of_an_unknown_table_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="cannot be an event of the table 'invoice'; did you mean 'invoices'"):
        LabelRule("late", "event", horizon=9, table="invoice")


@pytest.mark.parametrize("share", [0, 0.0, -0.5, 1.01, True, "half", float("nan")])
def test_an_impossible_share_is_refused(share: object) -> None:
    with pytest.raises(UsageError, match="it lies above 0 and is at most 1"):
        LabelRule("less", "decrease", horizon=9, share=share)  # type: ignore[arg-type]


def test_revenue_may_have_to_vanish_altogether() -> None:
    assert LabelRule("less", "decrease", horizon=9, share=1).share == 1


def test_an_unknown_measure_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="cannot measure 'seat'; did you mean 'seats'"):
        LabelRule("less", "decrease", horizon=9, measure="seat")


def test_settings_that_are_no_texts_are_refused() -> None:
    with pytest.raises(UsageError, match="table, where and measure are texts"):
        LabelRule("late", "event", horizon=9, table="invoices", where=5)  # type: ignore[arg-type]


def test_a_condition_may_compare_whole_numbers() -> None:
    rule = LabelRule("large", "event", horizon=9, table="subscriptions", where="seats > 5")
    assert rule.condition().columns.keys() == {"seats"}


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
                "selected": pa.bool_(),
                "held_probability": pa.float64(),
                "held_draws": pa.int64(),
                "decided_at": pa.timestamp("us"),
            }
        )
    )
