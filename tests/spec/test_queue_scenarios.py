"""What the queue does with the situations that companies have every week: each is a short timeline of nights.

One account is drawn a night at a time; the line below it is what the night does with its case: ``o`` opened, ``!``
raised again, ``.`` open and unchanged, ``r`` open and marked as resolved, ``x`` closed by the night, `` `` nothing.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from support.nights.policy_factory import NIGHT, POLICY, accounts
from support.nights.queue_player import QueuePlayer

from serving.contracts import Lane, RoutingCode
from serving.policy.decision.decide import Policy
from serving.policy.state.case_status import ClosureCode, ClosureOutcome
from serving.policy.state.queue_state import Decision, RaiseCode, SuppressionCode
from serving.policy.state.reason_texts import closure_text, raise_text, resolved_text, suppression_text

FAMILY = POLICY.replace("save_rate = 0.5", 'save_rate = 0.5\nfamily = "rescue"').replace(
    'enter = 0.5\nleave = 0.3\nskill = "support"', 'enter = 0.5\nleave = 0.3\nleave_nights = 1\nfamily = "rescue"'
)
"""The small policy with both risks in one family."""

TRIGGERS = """
[triggers.pile_up]
when = "tickets_open >= 5"
risk = "churn"
raises = "alone"
message = "Many tickets"
"""

RUNNING: Mapping[str, Any] = {"a": "A", "arr": 10_000.0, "contract_status": "running", "renews_in": 200.0}
LEAVING = {**RUNNING, "contract_status": "leaving", "leaves_in": 9.0, "leaving_arr": 10_000.0, "renews_in": None}
LEFT = {**RUNNING, "contract_status": "left", "leaves_in": -1.0, "arr": None, "renews_in": None}
WITHDRAWN = {**RUNNING, "notice_withdrawn_in": -1.0}
CHURN, ESCALATION = {**RUNNING, "p": 0.9}, {**RUNNING, "e": 0.7}
CALM = {**RUNNING, "p": 0.02, "e": 0.02}


def queue(more: str = "", text: str = FAMILY) -> QueuePlayer:
    """An empty queue of the small policy."""
    return QueuePlayer(Policy.parse(text + more))


def drawn(decision: Decision, *, was_open: bool) -> str:
    """What the night did with the only case."""
    if decision.flags:
        return "o"
    if decision.closures:
        return "x"
    if decision.raised_again:
        return "!"
    if decision.live:
        return "r" if decision.live[0].resolved else "."
    assert not was_open
    return " "


def play(player: QueuePlayer, *nights: Mapping[str, Any]) -> str:
    """The nights one after the other, drawn."""
    return "".join(drawn(player.night(row), was_open=bool(player.cases)) for row in nights)


# --- Alarms -----------------------------------------------------------------------------------------------------------


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


# --- Cool-down --------------------------------------------------------------------------------------------------------


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


def leaving(*, known_on: int, leaves_in: float = 9.0, on: int = 0) -> dict[str, Any]:
    """A cancellation that our copy learned of on a day; both days are numbers of days after the first night."""
    return {**LEAVING, "leaves_in": leaves_in, "cancellation_known_in": float(known_on - on)}


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


def test_a_customer_who_comes_back_is_not_at_risk_because_of_then() -> None:
    player = queue()
    assert play(player, CHURN, LEFT, {**RUNNING, "p": 0.35}) == "ox "


# --- Open cases and tonight's account ---------------------------------------------------------------------------------


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


# --- Cancellations ----------------------------------------------------------------------------------------------------


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


# --- Exclusions, groups, hold-out -------------------------------------------------------------------------------------


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


def test_the_day_of_a_closure_is_that_of_the_fact() -> None:
    player = queue()
    assert play(player, CHURN) == "o"
    assert player.night({**LEFT, "leaves_in": -40.0}).closures[0].on == date(2026, 1, 21)
