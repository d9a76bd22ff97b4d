"""What raises a case again, and when an account is left alone after one.

Each scenario is a short timeline of nights of one account (`support.nights.queue_scenarios`).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from support.nights.policy_factory import NIGHT, POLICY, accounts
from support.nights.queue_scenarios import (
    CALM,
    CHURN,
    ESCALATION,
    LEAVING,
    LEFT,
    RUNNING,
    TRIGGERS,
    WITHDRAWN,
    leaving,
    play,
    queue,
)

from serving.contracts import Lane
from serving.policy.state.queue_state import RaiseCode, SuppressionCode
from serving.policy.state.reason_texts import raise_text


def test_a_cancellation_raises_an_open_escalation_case_again_with_its_own_severity() -> None:
    player = queue('[cancellations]\nseverity = "high"')
    assert play(player, ESCALATION, ESCALATION) == "o."
    again = player.night(LEAVING).raised_again[0]
    assert (again.reason.code, again.reason.alarms) == (RaiseCode.ALARM, ("cancellation",))
    assert raise_text(again.reason) == "new alarm: the customer has cancelled"
    assert (again.reason.severity_before, again.flag.severity, again.flag.lane) == ("normal", "high", Lane.LEAVING)
    assert (again.flag.at_stake, again.flag.ends_on) == (10_000.0, NIGHT + timedelta(days=2 + 9))
    assert play(player, LEAVING, LEAVING) == ".."


def test_a_cancellation_raises_a_case_of_another_family_too() -> None:
    player = queue(text=POLICY)
    assert play(player, ESCALATION) == "o"
    decision = player.night({**LEAVING, "e": 0.7})
    assert (decision.flags, [row.reason.alarms for row in decision.raised_again]) == ((), [("cancellation",)])
    assert decision.raised_again[0].flag.risk == "escalation"  # the case stays in its family


def test_a_cancellation_and_a_worse_risk_of_another_family_raise_the_case_once() -> None:
    player = queue(text=POLICY)
    assert play(player, ESCALATION) == "o"
    (again,) = player.night({**LEAVING, "e": 0.95, "tickets_open": 9.0}).raised_again
    assert (again.flag.alarms, again.reason.alarms) == (("cancellation", "risk:escalation"), ("cancellation",))
    assert (again.flag.lane, again.flag.severity, again.reason.code) == (Lane.LEAVING, "high", RaiseCode.ALARM)
    assert again.flag.at_stake == 10_000.0


def test_a_risk_that_enters_raises_a_case_of_a_trigger_again_and_so_does_a_second_trigger() -> None:
    player = queue(TRIGGERS)
    tickets = {**RUNNING, "p": 0.02, "tickets_open": 6.0}
    assert play(player, ESCALATION) == "o"
    second = player.night({**ESCALATION, "tickets_open": 6.0})
    assert [row.reason.alarms for row in second.raised_again] == [("trigger:pile_up",)]
    entered = player.night({**ESCALATION, **tickets, "p": 0.9})
    assert [row.reason.alarms for row in entered.raised_again] == [("risk:churn",)]
    assert play(player, {**ESCALATION, **tickets, "p": 0.9}, {**ESCALATION, "p": 0.9}) == ".."


def test_a_new_alarm_of_a_lower_severity_is_news_and_does_not_lower_the_severity() -> None:
    player = queue()
    assert play(player, CHURN) == "o"
    again = player.night({**CHURN, "p": 0.55, "e": 0.6}).raised_again[0]
    assert (again.reason.alarms, again.reason.severity_before, again.flag.severity) == (
        ("risk:escalation",),
        "high",
        "high",
    )


def test_an_alarm_that_flickers_is_news_only_once() -> None:
    tickets = {**CHURN, "tickets_open": 6.0}
    assert play(queue(TRIGGERS), CHURN, tickets, CHURN, tickets, CHURN) == "o!..."


def test_a_cancellation_that_was_withdrawn_and_comes_back_is_news() -> None:
    player = queue()
    player.night(CHURN)
    assert play(player, LEAVING, {**WITHDRAWN, "p": 0.9}, {**WITHDRAWN, "p": 0.9}, LEAVING) == "!..!"


@pytest.mark.parametrize(
    ("first", "outcome", "then", "code"),
    [
        (CHURN, "saved", LEAVING, None),  # another alarm
        (ESCALATION, "false_alarm", CHURN, None),
        (CHURN, "saved", CHURN, SuppressionCode.COOLING_DOWN),  # the same
        (LEAVING, "saved", LEAVING, SuppressionCode.COOLING_DOWN),
        (LEAVING, "lost", LEAVING, SuppressionCode.LOST),
        (CHURN, "lost", LEAVING, None),  # the team gave up for another reason
        (CHURN, "lost", {**CHURN, "e": 0.9}, SuppressionCode.LOST),
    ],
)
def test_cool_down_belongs_to_the_alarm_and_the_outcome(
    first: Mapping[str, Any], outcome: str, then: Mapping[str, Any], code: SuppressionCode | None
) -> None:
    player = queue()
    assert play(player, first) == "o"
    player.close("A", outcome)
    decision = player.night(then)
    assert [row.code for row in decision.suppressed if row.code in (code, None)] == ([code] if code else [])
    assert accounts(decision.flags) == ([] if code else ["A"])


@pytest.mark.parametrize("outcome", ["saved", "lost", "no_action", "false_alarm"])
def test_another_cancellation_is_news_and_a_corrected_date_is_none(outcome: str) -> None:
    player = queue()
    assert play(player, leaving(known_on=-1)) == "o"
    player.close("A", outcome)
    assert play(player, leaving(known_on=-1, leaves_in=40.0, on=1)) == " ", "the same cancellation, corrected"
    assert play(player, {**CALM, "notice_withdrawn_in": -1.0}) == " "
    assert play(player, leaving(known_on=2, on=3)) == "o", "withdrawn, and cancelled again"


def test_a_lost_account_whose_end_is_moved_later_goes_on_resting() -> None:
    player = queue()
    assert play(player, leaving(known_on=-1, leaves_in=2.0)) == "o"
    player.close("A", "lost")
    player.tonight += timedelta(days=9)
    rest = player.night(leaving(known_on=-1, leaves_in=5.0, on=10))
    assert [(row.code, row.until) for row in rest.suppressed] == [(SuppressionCode.LOST, None)]


def test_the_end_of_another_part_raises_the_case_of_the_first_part_again_once() -> None:
    first = {**RUNNING, "partial_loss_in": 60.0, "partial_loss_arr": 4_000.0, "partial_loss_share": 0.4}
    player = queue()
    assert play(player, {**first, "partial_loss_known_in": -1.0}, {**first, "partial_loss_known_in": -2.0}) == "o."
    both = {**first, "partial_loss_share": 0.7, "partial_loss_arr": 7_000.0}
    again = player.night({**both, "partial_loss_known_in": -1.0})
    assert [row.reason.alarms for row in again.raised_again] == [("partial_loss",)]
    assert play(player, {**both, "partial_loss_known_in": -2.0}, {**both, "partial_loss_known_in": -3.0}) == ".."


@pytest.mark.parametrize(("outcome", "days"), [("saved", 10), ("false_alarm", 3), ("expired", 0)])
def test_the_days_of_an_outcome_are_a_setting(outcome: str, days: int) -> None:
    player = queue("[cooldown]\nfalse_alarm = 3\nexpired = 0")
    assert play(player, CHURN) == "o"
    player.close("A", outcome)
    nights = 0
    while not player.night(CHURN).flags:
        nights += 1
    assert nights == max(0, days - 1)  # the case was closed on the day before the first of these nights


def test_a_lost_account_rests_until_its_contract_ends_and_is_settled_once() -> None:
    player = queue()
    assert play(player, LEAVING, LEAVING) == "o."
    case_id = next(iter(player.cases))
    player.close("A", "lost")
    rest = player.night({**LEAVING, "leaves_in": 7.0})
    assert [(row.code, row.until) for row in rest.suppressed] == [
        (SuppressionCode.LOST, NIGHT + timedelta(days=1 + 9))  # as the last night before the closing knew it
    ]
    settled = player.night(LEFT)
    assert [(row.case_id, row.ended_on) for row in settled.settlements] == [
        (case_id, player.tonight - timedelta(days=2))
    ]
    player.closed = [closed._replace(settled=True) for closed in player.closed]
    again = player.night(LEFT)
    assert (again.settlements, again.flags) == ((), ())


def test_a_customer_who_comes_back_after_a_loss_can_get_a_case_again() -> None:
    player = queue()
    assert play(player, LEAVING, LEAVING) == "o."
    player.close("A", "lost")
    player.tonight += timedelta(days=12)
    assert play(player, CHURN) == "o"
    back = queue()
    assert play(back, CHURN, LEFT, CHURN) == "oxo"  # the contract has ended, and a new one has begun


@pytest.mark.parametrize("first", [CHURN, LEAVING, {**CHURN, "renews_in": 9.0}])
def test_a_lost_customer_who_renews_after_all_does_not_rest(first: Mapping[str, Any]) -> None:
    player = queue()
    assert play(player, first, first) == "o."
    player.close("A", "lost")
    same = {**CHURN, "renews_in": first["renews_in"] or 9.0}
    assert play(player, same, {**CHURN, "renews_in": 365.0}) == " o"


def test_a_customer_who_comes_back_is_not_at_risk_because_of_then() -> None:
    player = queue()
    assert play(player, CHURN, LEFT, {**RUNNING, "p": 0.35}) == "ox "
