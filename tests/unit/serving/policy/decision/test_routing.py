"""Which squad gets a case, and how a case escalates."""

from datetime import datetime, timedelta

import pytest
from support.nights.policy_factory import policy

from serving.contracts import RoutingCode, RoutingReason, routing_text
from serving.policy.decision.decide import Policy
from serving.policy.decision.routing import RoutingRequest, SquadCapacity, route
from serving.policy.definition.escalation_matrix import EscalationEvent, escalation_steps, severity_row, step_text

SQUADS = """
[squads.nord]
skills = ["retention"]
members = ["eva"]
capacity = 1
regions = ["DE", "CH"]
languages = ["de"]

[squads.stars]
skills = ["vip"]
members = ["flo", "gil"]
capacity = 1

[routing.reasons]
billing = "billing"

[routing.ticket_categories]
bug = "support"

[routing.languages]
FR = "fr"
DE = "de"

[routing.vip]
when = "arr > 1000000"

[triggers.late]
when = "invoices_overdue >= 1"
risk = "churn"
raises = "alone"
skill = "billing"
message = "An invoice is late."

[triggers.plain]
when = "tickets_open >= 1"
risk = "churn"
raises = "alone"
message = "Plain"
"""
BY = policy(SQUADS)


RISK = RoutingReason(RoutingCode.RISK, "retention", "churn")


@pytest.mark.parametrize(
    ("request_", "squads", "reason"),
    [
        (RoutingRequest("churn"), ("care", "nord"), RISK),
        (RoutingRequest("churn", region="DE"), ("care", "nord"), RISK),
        (RoutingRequest("churn", region="FR"), ("care",), RISK),
        (RoutingRequest("churn", vip=True, triggers=("late",)), ("stars",), RoutingReason(RoutingCode.VIP, "vip")),
        (
            RoutingRequest("churn", triggers=("plain", "late")),
            ("support",),
            RoutingReason(RoutingCode.TRIGGER, "billing", "late"),
        ),
        (
            RoutingRequest("churn", reason_group="billing", ticket_category="bug"),
            ("support",),
            RoutingReason(RoutingCode.REASON, "billing", "billing"),
        ),
        (
            RoutingRequest("churn", reason_group="usage", ticket_category="bug"),
            ("support",),
            RoutingReason(RoutingCode.TICKET, "support", "bug"),
        ),
        (
            RoutingRequest("escalation", ticket_category="other"),
            ("support",),
            RoutingReason(RoutingCode.RISK, "support", "escalation"),
        ),
        (RoutingRequest("unlisted"), ("care",), RoutingReason(RoutingCode.FALLBACK)),
    ],
)
def test_the_skill_decides(request_: RoutingRequest, squads: tuple[str, ...], reason: RoutingReason) -> None:
    assert route(request_, BY.rules) == (squads, reason)


def test_a_region_that_no_squad_serves_goes_to_the_fallback_squad() -> None:
    by = policy(SQUADS, fallback='fallback = "support"', capacity='capacity = 2\nregions = ["US"]')
    assert route(RoutingRequest("churn", region="JP"), by.rules) == (
        ("support",),
        RoutingReason(RoutingCode.RISK, "retention", "churn", unserved_region="JP"),
    )


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (RoutingReason(RoutingCode.VIP, "vip"), "VIP account"),
        (RoutingReason(RoutingCode.TRIGGER, "billing", "late"), "Routed by the skill billing: An invoice is late"),
        (RoutingReason(RoutingCode.TRIGGER, "billing", "gone"), "Routed by the skill billing: gone"),
        (RoutingReason(RoutingCode.REASON, "x", "usage"), "Routed by the skill x: the first reason is usage"),
        (RoutingReason(RoutingCode.TICKET, "x", "how_to"), "Routed by the skill x: the last ticket is about how to"),
        (
            RoutingReason(RoutingCode.RISK, "billing", "late_payment", "JP"),
            "Routed by the skill billing: the risk is late payment; no squad with this skill serves JP, so the "
            "fallback squad got it",
        ),
        (RoutingReason(RoutingCode.FALLBACK), "Routed to the fallback squad: nothing asks for a particular skill"),
        (RoutingReason(RoutingCode.OPEN_CASE), "Stays with the squad of its open case"),
    ],
)
def test_every_reason_has_a_sentence(reason: RoutingReason, text: str) -> None:
    assert routing_text(reason, {name: trigger.message for name, trigger in BY.rules.triggers.items()}) == text


def test_a_case_overflows_to_the_next_squad_with_the_skill() -> None:
    capacity = SquadCapacity(BY.rules, {})
    assert [capacity.take(("care", "nord")) for _ in range(4)] == ["care", "care", "nord", None]


def test_a_squad_at_its_limit_of_open_cases_has_no_capacity() -> None:
    by = policy(capacity="capacity = 2\nmax_open = 5")
    assert [SquadCapacity(by.rules, {"care": load}).free["care"] for load in (0, 3, 4, 5, 9)] == [2, 2, 1, 0, 0]
    by = policy(capacity="capacity = 2\nmax_open = 2")
    assert SquadCapacity(by.rules, {}).free["care"] == 2


OPENED = datetime.fromisoformat("2026-03-01T06:00")


def test_the_escalation_path_has_its_steps_in_order() -> None:
    steps = [(step.at - OPENED, step_text(step)) for step in escalation_steps(BY.rules, "care", "high", OPENED)]
    assert steps == [
        (timedelta(0), "ana is responsible; informed: nobody"),
        (timedelta(hours=4), "escalated to ben"),
        (timedelta(hours=4), "the response is overdue; accountable: lead"),
        (timedelta(hours=8), "escalated to cleo"),
        (timedelta(hours=48), "the case is due to be closed"),
    ]


def test_everyone_who_is_informed_is_named() -> None:
    by = policy(respond_hours='respond_hours = 4\ninformed = ["the account executive", "the lead"]')
    first = escalation_steps(by.rules, "care", "high", OPENED)[0]
    assert step_text(first) == "ana is responsible; informed: the account executive, the lead"


def test_a_squad_of_one_has_nobody_to_escalate_to() -> None:
    events = [step.event for step in escalation_steps(BY.rules, "support", "high", OPENED)]
    assert EscalationEvent.ESCALATED not in events


def test_a_severity_of_an_older_policy_counts_as_the_least_severe() -> None:
    assert severity_row(BY.rules, "catastrophic").name == "normal"


def test_the_escalation_path_can_differ_from_the_order_of_the_members() -> None:
    by: Policy = policy(members='members = ["ana", "ben", "cleo"]\nescalation_path = ["cleo", "ana"]')
    assert by.rules.squads["care"].tiers == ("cleo", "ana")
