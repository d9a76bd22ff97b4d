"""Which squad gets a case, and whose turn it is."""

from datetime import datetime, timedelta

import pytest
from support.nights.policy_factory import policy

from serving.policy.decision.decide import Policy
from serving.policy.decision.routing import Need, Room, route
from serving.policy.definition.escalation_matrix import row_of, walk

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
says = "An invoice is late."

[triggers.plain]
when = "tickets_open >= 1"
risk = "churn"
raises = "alone"
says = "Plain"
"""
BY = policy(SQUADS)


@pytest.mark.parametrize(
    ("need", "squads", "why"),
    [
        (Need("churn"), ("care", "nord"), "needs retention skills, as the risk is churn"),
        (Need("churn", region="DE"), ("care", "nord"), "needs retention skills, as the risk is churn"),
        (Need("churn", region="FR"), ("care",), "needs retention skills, as the risk is churn"),
        (Need("churn", vip=True, triggers=("late",)), ("stars",), "is a VIP account"),
        (Need("churn", triggers=("plain", "late")), ("desk",), "needs billing skills, as an invoice is late"),
        (Need("churn", reason_group="billing", ticket_category="bug"), ("desk",), "its first reason is billing"),
        (Need("churn", reason_group="usage", ticket_category="bug"), ("desk",), "its last ticket is about bug"),
        (Need("escalation", ticket_category="other"), ("desk",), "needs support skills, as the risk is escalation"),
        (Need("unheard"), ("care",), "shows no need of a particular skill"),
    ],
)
def test_the_skill_decides(need: Need, squads: tuple[str, ...], why: str) -> None:
    found = route(need, BY.rules)
    assert found.squads == squads
    assert why in found.why


def test_where_no_squad_serves_the_region_the_fallback_takes_it_and_says_so() -> None:
    text = SQUADS.replace('fallback = "care"', 'fallback = "desk"')
    by = policy(text, capacity='capacity = 2\nregions = ["US"]')
    found = route(Need("churn", region="JP"), by.rules)
    assert found.squads == ("care",)
    assert found.why == "needs retention skills, as the risk is churn, and no squad with retention skills serves JP"


def test_an_abbreviation_keeps_its_capital() -> None:
    by = policy(SQUADS.replace("An invoice is late.", "SLA broken twice"))
    assert route(Need("churn", triggers=("late",)), by.rules).why == "needs billing skills, as SLA broken twice"


def test_a_case_overflows_to_the_next_squad_with_the_skill() -> None:
    room = Room.tonight(BY.rules, {})
    assert [room.take(("care", "nord")) for _ in range(4)] == ["care", "care", "nord", None]


def test_a_squad_beyond_its_limit_of_open_cases_has_no_room() -> None:
    by = policy(capacity="capacity = 2\nmax_open = 5")
    assert [Room.tonight(by.rules, {"care": load}).free["care"] for load in (0, 3, 4, 5, 9)] == [2, 2, 1, 0, 0]


OPENED = datetime.fromisoformat("2026-03-01T06:00")


def test_the_matrix_is_walked_through() -> None:
    found = [(step.at - OPENED, step.what) for step in walk(BY.rules, "care", "high", OPENED)]
    assert found == [
        (timedelta(0), "ana has it; nobody else is told"),
        (timedelta(hours=4), "ben takes over"),
        (timedelta(hours=4), "the promised answer is late, and lead answers for it"),
        (timedelta(hours=8), "cleo takes over"),
        (timedelta(hours=48), "it should be closed"),
    ]


def test_all_who_are_told_are_named() -> None:
    by = policy(respond_hours='respond_hours = 4\ninformed = ["the account executive", "the lead"]')
    assert walk(by.rules, "care", "high", OPENED)[0].what == "ana has it; the account executive and the lead are told"


def test_a_squad_of_one_hands_on_to_nobody() -> None:
    assert not [step for step in walk(BY.rules, "desk", "high", OPENED) if "takes over" in step.what]


def test_a_severity_of_an_older_policy_counts_as_the_mildest() -> None:
    assert row_of(BY.rules, "catastrophic").name == "normal"


def test_owners_may_be_named_apart_from_the_members() -> None:
    by: Policy = policy(members='members = ["ana", "ben", "cleo"]\nowners = ["cleo", "ana"]')
    assert by.rules.squads["care"].ladder == ("cleo", "ana")
