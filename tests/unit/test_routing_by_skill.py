"""Which squad gets a case, and whose turn it is."""

from datetime import datetime, timedelta

import pytest
from policy_factory import policy

from serving.matrix import clocks, owner_at
from serving.policy import Policy
from serving.routing import Need, Room, route

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
says = "Late"

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
        (Need("churn"), ("care", "nord"), "needs retention, as its risk is churn"),
        (Need("churn", region="DE"), ("care", "nord"), "needs retention, as its risk is churn"),
        (Need("churn", region="FR"), ("care",), "needs retention, as its risk is churn"),
        (Need("churn", vip=True, triggers=("late",)), ("stars",), "needs vip, as it is a VIP account"),
        (Need("churn", triggers=("plain", "late")), ("desk",), "needs billing, as the trigger late says"),
        (Need("churn", reason_group="billing", ticket_category="bug"), ("desk",), "its first reason is billing"),
        (Need("churn", reason_group="usage", ticket_category="bug"), ("desk",), "its last ticket is about bug"),
        (Need("escalation", ticket_category="other"), ("desk",), "needs support, as its risk is escalation"),
        (Need("unheard"), ("care",), "nothing says which skill it needs"),
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
    assert found.why == "needs retention, as its risk is churn, and no squad has it for JP"


def test_a_case_overflows_to_the_next_squad_with_the_skill() -> None:
    room = Room.tonight(BY.rules, {})
    assert [room.take(("care", "nord")) for _ in range(4)] == ["care", "care", "nord", None]


def test_a_squad_beyond_its_limit_of_open_cases_has_no_room() -> None:
    by = policy(capacity="capacity = 2\nmax_open = 5")
    assert [Room.tonight(by.rules, {"care": load}).free["care"] for load in (0, 3, 4, 5, 9)] == [2, 2, 1, 0, 0]


OPENED = datetime.fromisoformat("2026-03-01T06:00")


@pytest.mark.parametrize(
    ("hour", "owner"),
    [(9, "ana"), (10, "ben"), (13, "ben"), (14, "cleo"), (23, "cleo")],
)
def test_an_uncontacted_case_is_handed_on(hour: int, owner: str) -> None:
    assert owner_at(BY.rules, "care", "high", OPENED, OPENED.replace(hour=hour)) == owner


def test_the_matrix_sets_the_clocks_and_a_small_squad_keeps_its_last_owner() -> None:
    found = clocks(BY.rules, "high", OPENED)
    assert (found.respond_by, found.resolve_by) == (OPENED + timedelta(hours=4), OPENED + timedelta(hours=48))
    assert owner_at(BY.rules, "desk", "high", OPENED, OPENED + timedelta(days=30)) == "dan"
    assert owner_at(BY.rules, "gone", "high", OPENED, OPENED) is None
    assert clocks(BY.rules, "a severity of an older policy", OPENED) == clocks(BY.rules, "normal", OPENED)


def test_owners_may_be_named_apart_from_the_members() -> None:
    by: Policy = policy(members='members = ["ana", "ben", "cleo"]\nowners = ["cleo", "ana"]')
    assert by.rules.squads["care"].ladder == ("cleo", "ana")
