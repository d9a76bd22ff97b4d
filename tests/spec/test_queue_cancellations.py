"""Cancellations and partial losses in the queue, and who shares a case or gets none.

Each scenario is a short timeline of nights of one account (`support.nights.queue_scenarios`).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from support.nights.policy_factory import NIGHT, accounts
from support.nights.queue_player import QueuePlayer
from support.nights.queue_scenarios import (
    CALM,
    CHURN,
    ESCALATION,
    FAMILY,
    LEAVING,
    LEFT,
    RUNNING,
    TRIGGERS,
    play,
    queue,
)

from serving.contracts import Lane, RoutingCode
from serving.policy.decision.decide import Policy
from serving.policy.state.queue_state import SuppressionCode
from serving.policy.state.reason_texts import suppression_text


def test_a_cancellation_is_worth_the_revenue_that_ends_and_has_no_probability() -> None:
    bands = "urgency = [{within_days = 30, factor = 2.0}, {within_days = 90, factor = 1.5}]"
    player = queue(f'[cancellations]\nsave_rate = 0.2\ncost = 100\nskill = "billing"\n{bands}')
    soon, late = LEAVING, {**LEAVING, "a": "B", "leaves_in": 60.0, "renews_in": 5.0}
    flags = player.night(soon, late).flags
    assert [(flag.account_id, flag.priority, flag.probability) for flag in flags] == [
        ("A", 3900.0, None),
        ("B", 2900.0, None),
    ]
    assert {flag.lane for flag in flags} == {Lane.LEAVING}
    assert [flag.routing.code for flag in flags] == [RoutingCode.CANCELLATION] * 2
    assert [(flag.squad, flag.rank) for flag in flags] == [("support", 1), ("support", 2)]
    assert [flag.ends_on for flag in flags] == [NIGHT + timedelta(days=9), NIGHT + timedelta(days=60)]


def test_every_cancellation_reaches_the_queue_on_the_same_night_beyond_the_capacity_and_the_hold_out() -> None:
    player = queue('[holdout]\nshare = 0.5\nsalt = "s"')
    leaving = [{**LEAVING, "a": f"L{number:02d}"} for number in range(40)]
    risky = [{**CHURN, "a": f"R{number:02d}"} for number in range(40)]
    decision = player.night(*leaving, *risky)
    assert {flag.account_id for flag in decision.flags if flag.lane is Lane.LEAVING} == {row["a"] for row in leaving}
    assert sum(flag.lane is Lane.AT_RISK for flag in decision.flags) == 2  # the capacity of their squad
    assert all(flag.account_id.startswith("R") and flag.lane is Lane.WAITING for flag in decision.waiting)
    assert all(held.account_id.startswith("R") for held in decision.held_out)
    exempted = [row for row in decision.exempted if row.rule == "cancellation"]
    assert 8 <= len(exempted) <= 32
    assert decision.counts.cancellations == 40


def test_a_cancellation_of_unknown_revenue_is_ordered_by_its_segment() -> None:
    player = queue()
    known = [{**CALM, "a": f"K{number}", "segment": "smb", "arr": arr} for number, arr in enumerate((1e3, 2e3, 9e3))]
    other = {**CALM, "a": "O", "segment": "enterprise", "arr": 500_000.0}
    unknown = {**LEAVING, "arr": None, "leaving_arr": None, "segment": "smb"}
    flag = player.night(unknown, *known, other).flags[0]
    assert (flag.at_stake, flag.estimated_revenue, flag.priority) == (None, 2000.0, 300.0)


def test_a_partial_loss_is_an_alarm_of_its_own_and_no_vip_case() -> None:
    vip = '[routing.vip]\nwhen = "at_stake >= 1000 OR arr >= 1000"\nskill = "billing"\n'
    two = FAMILY.replace('members = ["dan"]', 'members = ["dan", "eve"]')
    part = {**RUNNING, "arr": 500_600.0, "partial_loss_in": 30.0}
    player = queue(vip, two)
    small = {**part, "a": "S", "partial_loss_arr": 600.0, "partial_loss_share": 600 / 500_600}
    large = {**part, "a": "B", "partial_loss_arr": 100_000.0, "partial_loss_share": 0.2}
    decision = player.night(small, large)
    assert [(row.account_id, row.code, row.alarms) for row in decision.suppressed] == [
        ("S", SuppressionCode.BELOW_MINIMUM, ("partial_loss",))
    ]
    flag = decision.flags[0]
    assert (flag.account_id, flag.alarms, flag.lane, flag.probability) == ("B", ("partial_loss",), Lane.AT_RISK, None)
    assert (flag.at_stake, flag.priority, flag.loss_share) == (100_000.0, 15_000.0, 0.2)
    assert (flag.squad, flag.routing.code) == ("care", RoutingCode.RISK)
    assert decision.counts.partial_losses == 1


def test_a_part_that_costs_more_than_it_is_worth_is_no_alarm_even_where_its_share_is_large() -> None:
    player = queue("[partial_losses]\ncost = 300")
    part = {**RUNNING, "arr": 5000.0, "partial_loss_in": 30.0, "partial_loss_arr": 600.0, "partial_loss_share": 0.12}
    assert player.night(part).flags == ()
    assert play(player, {**CHURN, **part}, {**CHURN, **part}) == "o."


def test_an_account_is_listed_once_for_a_risk_that_raises_no_case() -> None:
    player = queue("[cooldown]\nsaved = 90", FAMILY.replace("enter = 0.5", "enter_nights = 2\nenter = 0.5", 1))
    small = {**RUNNING, "partial_loss_in": 30.0, "partial_loss_share": 0.001}
    assert [row.code for row in player.night({**small, "p": 0.9}).suppressed] == [SuppressionCode.TOO_FEW_NIGHTS]
    assert player.night({**small, "p": 0.9}).flags
    assert [row.code for row in player.night({**small, "p": 0.9}).suppressed] == [SuppressionCode.OPEN_CASE]


def test_what_the_whole_portfolio_does_is_no_alarm() -> None:
    player = QueuePlayer(Policy.default())
    plain = {**RUNNING, "p": 0.1, "renews_in": 60.0, "usage_feed_age_days": 1.0, "arr": 90_000.0}
    holidays = [
        {**plain, "a": f"H{n}", "usage_recency_days": 15.0, "usage_recency_vs_portfolio": 0.0} for n in range(9)
    ]
    silent = {**plain, "a": "S", "usage_recency_days": 40.0, "usage_recency_vs_portfolio": 25.0}
    decision = player.night(*holidays, silent)
    assert decision.counts.triggers["silent_before_renewal"] == 1
    everyone = (*decision.flags, *decision.held_out)
    assert [found.account_id for found in everyone] == ["S"]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"type": "internal"}, "type:internal"),
        ({"type": "Test"}, "type:test"),
        ({"type": "trial"}, "type:trial"),
        ({"arr": 0.0, "leaving_arr": 0.0}, "without_revenue"),
        ({"segment": "pilot"}, "pilots"),
        ({"type": "partner"}, None),
        ({"type": "customer"}, None),
        ({"arr": None, "leaving_arr": None}, None),  # unknown is not zero
    ],
)
def test_excluded_accounts_get_no_case_and_are_counted_by_rule(row: Mapping[str, Any], rule: str | None) -> None:
    player = queue("[exclude.when]\npilots = \"segment = 'pilot'\"")
    decision = player.night({**LEAVING, **row}, {**CALM, "a": "B", **row}, {**CALM, "a": "C"})
    assert accounts(decision.flags) == ([] if rule else ["A"])
    assert decision.counts.excluded == ({rule: 2} if rule else {})
    assert [row.rule for row in decision.suppressed] == ([rule] if rule else [])


def test_a_single_account_can_be_excluded_by_its_id() -> None:
    assert "accounts" not in queue().policy.rules.content()["exclude"]  # it keeps its version
    player = queue('[exclude]\naccounts = ["B", "nobody"]')
    decision = player.night({**LEAVING}, {**LEAVING, "a": "B"})
    assert accounts(decision.flags) == ["A"]
    assert decision.counts.excluded == {"single_account": 1}
    assert "is excluded by the policy: single account" in [suppression_text(row) for row in decision.suppressed]


def test_a_source_that_gives_everybody_a_revenue_of_zero_excludes_nobody() -> None:
    assert accounts(queue().night({**LEAVING, "arr": 0.0, "leaving_arr": 0.0}).flags) == ["A"]


def test_five_sites_of_one_parent_share_a_case_that_lists_them() -> None:
    player = queue("[groups]\none_case = true")
    sites = [{**CHURN, "a": f"S{number}", "parent_id": "P", "arr": 1000.0 * (9 - number)} for number in range(5)]
    alone = {**CHURN, "a": "Z", "arr": 100.0}
    decision = player.night(*sites, alone)
    assert [(flag.account_id, flag.members) for flag in decision.flags] == [("S0", ("S1", "S2", "S3", "S4")), ("Z", ())]
    decision = player.night(*sites[:4], alone, {**CHURN, "a": "S9", "parent_id": "P"})
    assert {(row.account_id, row.code) for row in decision.suppressed if row.code is SuppressionCode.GROUP_CASE} == {
        (name, SuppressionCode.GROUP_CASE) for name in ("S1", "S2", "S3", "S9")
    }
    assert {figures.account_id: figures.members for figures in decision.live} == {
        "S0": ("S9", "S1", "S2", "S3"),
        "Z": (),
    }
    leaving = player.night(*sites[:4], {**LEAVING, "a": "S9", "parent_id": "P"}, alone)
    assert [(flag.account_id, flag.lane) for flag in leaving.flags] == [("S9", Lane.LEAVING)]


def test_without_the_setting_each_site_has_its_own_case() -> None:
    sites = [{**CHURN, "a": f"S{number}", "parent_id": "P"} for number in range(2)]
    assert len(queue().night(*sites).flags) == 2


@pytest.mark.parametrize("change", [{"parent_id": "BUYER"}, {"segment": "enterprise"}, {"parent_id": None}])
def test_an_account_keeps_its_side_of_the_hold_out(change: Mapping[str, Any]) -> None:
    rule = '[holdout]\nshare = 0.5\nsalt = "s"\nby_segment = {enterprise = 0.1}'
    rows = [{**CHURN, "a": f"A{n:02d}", "segment": "smb", "parent_id": "G" if n % 2 else None} for n in range(40)]
    player = queue(rule)
    before = {held.account_id for held in player.night(*rows).held_out}
    assert 8 <= len(before) <= 32
    player.cases.clear()
    after = player.night(*({**row, **change} for row in rows), {**CHURN, "a": "BUYER", "segment": "smb"})
    assert {held.account_id for held in after.held_out} - {"BUYER"} == before
    assert list(after.holdout_units) == ["BUYER"]


def test_the_same_night_twice_gives_the_same_decision() -> None:
    player = queue(TRIGGERS)
    rows = [CHURN, {**LEAVING, "a": "B"}, {**ESCALATION, "a": "C", "type": "test"}, {**LEFT, "a": "D"}]
    player.night(*rows)
    assert player.decide(*rows) == player.decide(*reversed(rows))
