"""What closes a case of the queue: the end of a contract, a cause that is gone, an exclusion, a vanished account.

Each scenario is a short timeline of nights of one account (`support.nights.queue_scenarios`).
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from support.nights.policy_factory import NIGHT, OPEN, night
from support.nights.queue_scenarios import CALM, CHURN, ESCALATION, LEAVING, LEFT, RUNNING, WITHDRAWN, play, queue

from serving.contracts import Lane
from serving.policy.state.case_status import ClosureCode, ClosureOutcome
from serving.policy.state.queue_state import QueueState
from serving.policy.state.reason_texts import closure_text, resolved_text


@pytest.mark.parametrize("first", [CHURN, LEAVING, ESCALATION])
def test_the_end_of_the_contract_closes_the_case_as_lost(first: Mapping[str, Any]) -> None:
    player = queue()
    assert play(player, first) == "o"
    player.work("A")
    decision = player.night(LEFT)
    closure = decision.closures[0]
    assert (closure.outcome, closure.code, closure.on) == (ClosureOutcome.LOST, ClosureCode.LEFT, NIGHT)
    assert closure_text(closure) == "the contract ended on 1 Mar 2026"
    assert decision.counts.closed == {"left": 1}
    assert play(player, LEFT, LEFT) == "  "


@pytest.mark.parametrize(
    ("opened_by", "known_in", "outcome", "code"),
    [
        ("person", None, ClosureOutcome.NO_ACTION, ClosureCode.ENDED_BEFORE),
        ("person", -60.0, ClosureOutcome.NO_ACTION, ClosureCode.ENDED_BEFORE),
        ("person", -1.0, ClosureOutcome.LOST, ClosureCode.LEFT),  # our copy learned of it while the case was open
        ("risk:churn", None, ClosureOutcome.LOST, ClosureCode.LEFT),
    ],
)
def test_a_contract_that_had_ended_before_a_person_opened_the_case_is_not_lost_now(
    opened_by: str, known_in: float | None, outcome: ClosureOutcome, code: ClosureCode
) -> None:
    case = OPEN._replace(alarms=(opened_by,))
    left = {**LEFT, "leaves_in": -60.0, "cancellation_known_in": known_in}
    (closure,) = night(left, queue=QueueState(open_cases=(case,))).closures
    assert (closure.outcome, closure.code, closure.on) == (outcome, code, NIGHT - timedelta(days=60))


@pytest.mark.parametrize(
    ("first", "then", "code"),
    [
        (LEAVING, RUNNING, ClosureCode.CONTINUED),
        (LEAVING, WITHDRAWN, ClosureCode.WITHDRAWN),
        (LEAVING, {**RUNNING, "contract_status": "none"}, ClosureCode.CONTINUED),  # moved to another account
        (CHURN, {**CHURN, "renews_in": 560.0}, ClosureCode.RENEWED),
        (CHURN, {**RUNNING, "contract_status": "none"}, ClosureCode.CONTINUED),
        (ESCALATION, CALM, ClosureCode.RISK_FALLEN),
    ],
)
def test_a_case_whose_cause_is_gone_is_marked_and_closed_after_some_nights(
    first: Mapping[str, Any], then: Mapping[str, Any], code: ClosureCode
) -> None:
    player = queue("[reconcile]\nnights = 3\nunclaimed_nights = 1")
    assert play(player, first) == "o"
    player.work("A")
    marked = player.night(then).live[0]
    assert (marked.resolved, marked.closes_on) == (code, NIGHT + timedelta(days=4))
    assert (resolved_text(marked) or "").endswith("; the case closes on 5 Mar 2026")
    assert play(player, then, then) == "rr"
    closure = player.night(then).closures[0]
    assert (closure.outcome, closure.code, closure.on) == (ClosureOutcome.SAVED, code, NIGHT + timedelta(days=1))
    assert play(player, then) == " "


def test_a_resolved_case_that_nobody_has_started_expires() -> None:
    player = queue()
    assert play(player, LEAVING, RUNNING) == "or"
    assert player.night(RUNNING).closures[0].outcome is ClosureOutcome.EXPIRED


def test_a_case_that_somebody_only_claimed_was_not_saved_by_anybody() -> None:
    player = queue("[reconcile]\nnights = 3\nunclaimed_nights = 1")
    assert play(player, ESCALATION) == "o"
    player.claim("A")
    assert play(player, CALM, CALM, CALM) == "rrr"
    closure = player.night(CALM).closures[0]
    assert (closure.outcome, closure.state) == (ClosureOutcome.EXPIRED, "claimed")


def test_a_mark_goes_when_the_cause_is_back_and_begins_anew() -> None:
    player = queue()
    assert play(player, ESCALATION) == "o"
    player.work("A")
    assert play(player, CALM, CALM, ESCALATION, ESCALATION, CALM) == "rr..r"
    assert player.cases["A/escalation/2026-03-01"].resolved_on == NIGHT + timedelta(days=5)


@pytest.mark.parametrize(
    "unknown",
    [
        {"a": "A", "arr": 10_000.0},  # no score, no contracts
        {"a": "A", "arr": 10_000.0, "p": 0.02},  # contracts unknown tonight
    ],
)
def test_what_is_unknown_tonight_resolves_nothing(unknown: Mapping[str, Any]) -> None:
    player = queue()
    assert play(player, LEAVING, unknown, unknown, LEAVING) == "o..."


def test_a_cancellation_does_not_end_with_a_risk_that_still_holds() -> None:
    player = queue()
    player.night({**LEAVING, "e": 0.7})
    figures = player.night({**RUNNING, "e": 0.7}).live[0]
    assert (figures.ended_alarms, figures.resolved, figures.lane) == (("cancellation",), None, Lane.AT_RISK)


def test_an_account_that_is_excluded_now_loses_its_case() -> None:
    player = queue()
    assert play(player, CHURN) == "o"
    closure = player.night({**CHURN, "type": "Internal"}).closures[0]
    assert (closure.outcome, closure.code, closure.rule) == (
        ClosureOutcome.NO_ACTION,
        ClosureCode.EXCLUDED,
        "type:internal",
    )
    assert closure_text(closure) == "the policy excludes the account: type internal"


def test_an_account_that_the_source_no_longer_has_is_marked_and_closed_without_action() -> None:
    player = queue()
    assert play(player, CHURN) == "o"
    other = {**CALM, "a": "B"}
    assert player.night(other).live[0].resolved is ClosureCode.ACCOUNT_MISSING
    assert player.night(other).closures[0].outcome is ClosureOutcome.NO_ACTION


def test_live_figures_say_what_is_true_tonight() -> None:
    player = queue()
    assert play(player, {**CHURN, "p": 0.9}) == "o"
    figures = player.night({**CHURN, "p": 0.6, "e": 0.1, "arr": 4000.0, "renews_in": 20.0}).live[0]
    assert figures.probabilities == {"churn": 0.6, "escalation": 0.1}
    assert (figures.priority, figures.revenue) == (1200.0, 4000.0)
    assert (figures.days_left, figures.ends_on) == (20, NIGHT + timedelta(days=21))
    assert (figures.status, figures.lane, figures.alarms) == ("running", Lane.AT_RISK, ("risk:churn",))
    unknown = player.night({**CHURN, "p": None, "arr": None, "renews_in": None}).live[0]
    assert (unknown.probabilities, unknown.revenue, unknown.days_left, unknown.status) == ({}, None, None, "running")


def test_the_end_of_the_part_closes_its_case_as_lost_and_the_account_does_not_rest() -> None:
    player = queue()
    part = {**RUNNING, "partial_loss_in": 2.0, "partial_loss_arr": 5000.0, "partial_loss_share": 0.5}
    assert play(player, part, {**part, "partial_loss_in": 1.0}) == "o."
    closure = player.night(RUNNING).closures[0]
    assert (closure.outcome, closure.code, closure.on) == (
        ClosureOutcome.LOST,
        ClosureCode.PART_ENDED,
        NIGHT + timedelta(days=2),
    )
    assert play(player, LEAVING) == "o"


def test_the_day_of_a_closure_is_that_of_the_fact() -> None:
    player = queue()
    assert play(player, CHURN) == "o"
    assert player.night({**LEFT, "leaves_in": -40.0}).closures[0].on == date(2026, 1, 21)
