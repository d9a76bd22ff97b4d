"""What holds for every night, whatever the accounts are and whatever happened to their cases before."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.nights.policy_factory import POLICY
from support.nights.queue_player import QueuePlayer

from serving.contracts import Lane
from serving.policy.decision.decide import Policy
from serving.policy.state.queue_state import Decision, SuppressionCode

Nights = list[list[dict[str, Any]]]
MORE = """
[triggers.pile_up]
when = "tickets_open >= 5"
risk = "escalation"
raises = "alone"
message = "Many tickets"

[cancellations]
cost = 100

[cooldown]
expired = 0

[holdout]
share = 0.3
salt = "s"
"""
APART = Policy.parse(POLICY + MORE)
JOINED = Policy.parse(POLICY.replace("save_rate = 0.5", 'save_rate = 0.5\nfamily = "escalation"') + MORE)
GROUPED = Policy.parse(POLICY + MORE + "[groups]\none_case = true\n")

PROBABILITIES = st.sampled_from([None, 0.05, 0.4, 0.6, 0.75, 0.95])
STATUSES = {
    "running": {"renews_in": 90.0},
    "renewed": {"contract_status": "running", "renews_in": 300.0, "notice_withdrawn_in": -1.0},
    "leaving": {"leaves_in": 20.0},
    "left": {"leaves_in": -1.0, "arr": None},
    "none": {},
    "partial": {"contract_status": "running", "partial_loss_in": 9.0, "partial_loss_share": 0.3},
    "small part": {"contract_status": "running", "partial_loss_in": 9.0, "partial_loss_share": 0.001},
    "unknown": {"contract_status": None},
}


@st.composite
def accounts_of_a_night(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some of six accounts in a random state, in a random order."""
    rows = []
    for number in draw(st.permutations(range(6)))[: draw(st.integers(1, 6))]:
        status = draw(st.sampled_from(sorted(STATUSES)))
        plain = {
            "a": f"A{number}",
            "p": draw(PROBABILITIES),
            "e": draw(PROBABILITIES),
            "arr": draw(st.sampled_from([None, 0.0, 500.0, 20_000.0])),
            "tickets_open": draw(st.sampled_from([None, 0.0, 9.0])),
            "type": draw(st.sampled_from([None, "customer", "customer", "trial"])),
            "parent_id": draw(st.sampled_from([None, "G1", "G2"])),
            "contract_status": status,
        }
        rows.append(plain | STATUSES[status])
    return rows


NIGHTS = st.lists(accounts_of_a_night(), min_size=1, max_size=5)
TEAM = st.lists(st.sampled_from(["", "work", "saved", "lost", "false_alarm", "no_action"]), min_size=5, max_size=5)


def play(by: Policy, nights: Nights, team: list[str]) -> list[tuple[QueuePlayer, Decision]]:
    """The nights one after the other; between them the team works on the first open case, or closes it."""
    player, played = QueuePlayer(by), []
    for rows, action in zip(nights, team, strict=False):
        again = player.decide(*reversed(rows))
        decision = player.night(*rows)
        assert again == decision
        played.append((player, decision))
        check(player, decision, rows)
        if player.cases and action:
            account = next(iter(player.cases.values())).account_id
            player.work(account) if action == "work" else player.close(account, action)
    return played


def check(player: QueuePlayer, decision: Decision, rows: list[dict[str, Any]]) -> None:
    """Everything that has to hold after a night."""
    family, open_cases = player.policy.rules.family, list(player.cases.values())
    assert max(Counter((case.account_id, family(case.risk)) for case in open_cases).values(), default=0) <= 1
    excluded = {row.account_id for row in decision.suppressed if row.code is SuppressionCode.EXCLUDED}
    assert not excluded & {flag.account_id for flag in (*decision.flags, *decision.waiting)}
    assert not excluded & {case.account_id for case in open_cases}
    assert not {row["a"] for row in rows if row["type"] == "trial" or row["contract_status"] == "left"} & {
        case.account_id for case in open_cases
    }
    for listed in (decision.suppressed, decision.exempted, decision.held_out):
        assert max(Counter((row.account_id, row.risk) for row in listed).values(), default=0) <= 1
    assert all(flag.lane is Lane.WAITING for flag in decision.waiting)
    assert not any("cancellation" in flag.alarms and flag.lane is not Lane.LEAVING for flag in decision.flags)
    closed, live = {row.case_id for row in decision.closures}, {row.case_id for row in decision.live}
    assert not closed & live
    assert {again.case_id for again in decision.raised_again} <= live
    raised = [*decision.flags, *(again.flag for again in decision.raised_again)]
    assert max(Counter((flag.account_id, flag.risk) for flag in raised).values(), default=0) <= 1
    assert max(Counter(again.case_id for again in decision.raised_again).values(), default=0) <= 1
    for again in decision.raised_again:
        assert family(again.flag.risk) == family(player.cases[again.case_id].risk)
    open_accounts = {case.account_id for case in open_cases}
    named = {row.account_id for row in decision.suppressed}
    for row in rows:
        if row["contract_status"] == "leaving" and row["type"] != "trial":
            assert row["a"] in open_accounts | named


@settings(max_examples=25, deadline=None)
@given(nights=NIGHTS, team=TEAM)
@pytest.mark.parametrize("by", [APART, JOINED, GROUPED], ids=["apart", "joined", "grouped"])
def test_every_night_keeps_the_queue_consistent(by: Policy, nights: Nights, team: list[str]) -> None:
    play(by, nights, team)


@settings(max_examples=25, deadline=None)
@given(nights=NIGHTS)
def test_every_leaving_account_that_is_worth_its_cost_has_an_open_case(nights: Nights) -> None:
    player = QueuePlayer(JOINED)
    for rows in nights:
        decision = player.night(*rows)
        below = {row.account_id for row in decision.suppressed if row.code is SuppressionCode.BELOW_MINIMUM}
        leaving = {row["a"] for row in rows if row["contract_status"] == "leaving" and row["type"] != "trial"}
        without_revenue = {row["a"] for row in rows if row["arr"] == 0.0}
        open_accounts = {case.account_id for case in player.cases.values()}
        resting = {row.account_id for row in decision.suppressed if row.code is SuppressionCode.COOLING_DOWN}
        assert leaving - below - without_revenue - resting <= open_accounts
        assert not {flag.account_id for flag in decision.waiting} & leaving


@settings(max_examples=25, deadline=None)
@given(nights=NIGHTS)
def test_an_account_never_changes_its_side_of_the_hold_out(nights: Nights) -> None:
    player, sides = QueuePlayer(APART), {}
    for rows in nights:
        known = player.units
        assert not player.night(*rows).holdout_units.keys() & known.keys()
        for account, unit in player.units.items():
            assert sides.setdefault(account, unit) == unit
