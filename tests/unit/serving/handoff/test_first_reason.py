"""The order of reasons: a trigger and the customer's words before a reason of small weight; lists strongest first."""

from dataclasses import replace
from typing import Any

import pytest
from support.nights.handoff_factory import FLAG, facts

from models.contracts import Reason
from serving.handoff.build_package import build_package
from serving.handoff.first_reason import first_reason

HINT = Reason("escalations", "escalations_90d", 0.04, "1 escalation in 90 days", weak=True)
STRONG = Reason("usage", "usage_events_28d", 1.2, "Use fell 60%", weak=False)
CANCELLED = "The customer has cancelled: the contract ends on 8 Jan 2027"


def package(*reasons: Reason, **changes: Any) -> dict[str, Any]:
    built = build_package(replace(FLAG, **{"reasons": {"churn": reasons}, **changes}), facts())
    return built.model_dump()


@pytest.mark.parametrize(
    ("reasons", "triggers", "first"),
    [
        ((STRONG, HINT), FLAG.triggers, "Use fell 60%"),
        ((HINT, STRONG), FLAG.triggers, "Usage has halved and an invoice is overdue"),
        ((HINT, STRONG), (), "A part of the contracts ends on 30 Apr 2026, 12% of the revenue; the others go on"),
    ],
)
def test_a_reason_of_small_weight_comes_after_what_happened(
    reasons: tuple[Reason, ...], triggers: tuple[str, ...], first: str
) -> None:
    made = package(*reasons, triggers=triggers)
    assert first_reason(made) == first
    assert str(made["headline"]).endswith(f"churn risk 62%; {first}")


def test_the_customers_own_words_come_before_a_hint() -> None:
    words = "The customer asks for a manager, in ticket T1 of 14 Oct 2026"
    made = package(HINT, triggers=()) | {"why_now": (words, "1 escalation in 90 days")}
    assert first_reason(made) == words


def test_an_unusual_event_of_small_weight_comes_first_where_nothing_else_happened() -> None:
    assert first_reason(package(HINT, STRONG, triggers=()) | {"why_now": ("Use fell 60%",)}) == HINT.sentence


def test_where_the_customer_has_cancelled_the_reasons_of_another_risk_need_weight() -> None:
    left = {"why_now": (CANCELLED,), "contract": {"notice_for": "2027-01-08"}}
    other = build_package(replace(FLAG, triggers=(), reasons={"escalation": (STRONG,)}), facts()).model_dump()
    hint = build_package(replace(FLAG, triggers=(), reasons={"escalation": (HINT,)}), facts()).model_dump()
    assert first_reason(other | left) == "Use fell 60%"
    assert first_reason(hint | left) == CANCELLED


def test_the_list_of_reasons_is_the_strongest_first_and_keeps_the_order_of_the_package() -> None:
    made = build_package(replace(FLAG, reasons={"churn": (HINT, STRONG)}), facts())
    card = made.risks[0]
    assert [fact.sentence for fact in card.reasons] == ["1 escalation in 90 days", "Use fell 60%"]
    assert [fact.sentence for fact in card.reasons_by_weight] == ["Use fell 60%", "1 escalation in 90 days"]


def test_a_package_without_anything_has_no_first_reason() -> None:
    assert first_reason({"case": {"risk": "churn"}}) is None
