"""A risk that the policy file does not mention gets default rules, and a night with it does not fail."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pytest
from support.nights.policy_factory import NIGHT, account_rows, accounts, policy

from serving.contracts import RoutingCode, RoutingReason
from serving.night_report.report_schema import RiskWithoutRules
from serving.night_report.report_text import warning_line
from serving.policy.decision.decide import Policy, decide, decide_with_reasons, scored_risks
from serving.policy.definition.default_rules import (
    complete_rules,
    default_rule,
    find_risks_without_rules,
    unlisted_risks,
)
from serving.policy.replay.replay import PastNight, replay_policies
from serving.policy.state.case_status import ClosureCode
from serving.policy.state.queue_state import Cooldown, Decision, OpenCase, QueueState, RaiseCode


def contraction(*probabilities: float | None, **columns: Any) -> pa.Table:
    """Accounts ``A``, ``B``, … with these probabilities of a risk that the policy does not mention."""
    rows = [{"a": chr(ord("A") + place)} for place in range(len(probabilities))]
    values = pa.array(probabilities, pa.float64())
    return account_rows(*rows, probability_contraction=values, rank_contraction=values, **columns)


def run(*probabilities: float | None, queue: QueueState | None = None, by: Policy | None = None) -> Decision:
    return decide(contraction(*probabilities), queue or QueueState(), by or policy(), NIGHT)


@pytest.mark.parametrize(
    ("base_rate", "enter", "leave"),
    [(0.0, 0.1, 0.2 / 3), (0.03, 0.1, 0.2 / 3), (0.1, 0.3, 0.2), (0.2, 0.6, 0.4), (0.9, 0.6, 0.4)],
)
def test_the_thresholds_follow_from_the_base_rate_within_limits(base_rate: float, enter: float, leave: float) -> None:
    rule = default_rule(base_rate)
    assert (rule.enter, rule.leave) == (pytest.approx(enter), pytest.approx(leave))


def test_a_risk_with_a_table_keeps_its_rules() -> None:
    rules = policy().rules
    assert unlisted_risks(rules, ["contraction", "churn", "arrears"]) == ("arrears", "contraction")
    assert complete_rules(rules, {}) is rules
    completed = complete_rules(rules, {"contraction": 0.1})
    assert {name: completed.risks[name] for name in rules.risks} == rules.risks
    assert completed.risks["contraction"] == default_rule(0.1)


def test_an_unlisted_risk_is_detected_ranked_and_routed() -> None:
    decision = run(0.6, 0.1, 0.1, 0.0, None)  # the base rate is 20%, so an account enters at 60%
    flag = decision.flags[0]
    assert accounts(decision.flags) == ["A"]
    assert (flag.risk, flag.probabilities, flag.severity) == ("contraction", {"contraction": 0.6}, "normal")
    assert flag.routing == RoutingReason(RoutingCode.FALLBACK)
    assert flag.priority == 180.0  # 60% × 1,000 × the default save rate of 30%
    assert decision.counts.scored["contraction"] == 4
    assert decision.counts.detected["contraction"] == 1
    assert [streak.risk for streak in decision.streaks] == ["contraction"]
    assert decision.policy_version == policy().version


def test_a_reason_routes_an_unlisted_risk() -> None:
    by = policy('[routing.reasons]\nbilling = "billing"')
    table = contraction(0.9, 0.0)
    flag = decide_with_reasons(table, QueueState(), by, NIGHT, lambda _: {("A", "contraction"): "billing"}).flags[0]
    assert (flag.squad, flag.routing.code) == ("support", RoutingCode.REASON)


def test_a_frequent_risk_does_not_fill_the_queue() -> None:
    assert run(0.55, 0.5, 0.5).flags == ()


def test_an_unlisted_risk_without_any_score_is_a_quiet_night() -> None:
    decision = run(None, None)
    assert (decision.flags, decision.counts.scored["contraction"]) == ((), 0)


def test_an_open_case_of_an_unlisted_risk_is_raised_again_and_closed() -> None:
    case = OpenCase("c1", "A", "contraction", "normal", 0.6, NIGHT - timedelta(days=3), squad="care")
    queue = QueueState(open_cases=(case,))
    assert [row.reason.code for row in run(0.76, 0.0, 0.0, queue=queue).raised_again] == [RaiseCode.PROBABILITY]
    assert run(0.05, 0.9, 0.0, queue=queue).live[0].resolved is ClosureCode.RISK_FALLEN


@pytest.mark.parametrize(("days_ago", "flagged"), [(29, []), (30, ["A"])])
def test_an_account_cools_down_for_the_default_number_of_days(days_ago: int, flagged: list[str]) -> None:
    queue = QueueState(cooldowns=(Cooldown("A", "contraction", NIGHT - timedelta(days=days_ago)),))
    assert accounts(run(0.9, 0.0, 0.0, queue=queue).flags) == flagged


def test_an_unlisted_risk_does_not_share_the_cases_of_a_family() -> None:
    rules = policy().rules
    risks = {name: rule.model_copy(update={"family": "all"}) for name, rule in rules.risks.items()}
    by = replace(policy(), rules=rules.model_copy(update={"risks": risks}))
    table = contraction(0.9, 0.0).append_column("probability_churn", pa.array([0.9, 0.0]))
    decision = decide(table, QueueState(), by, NIGHT)
    assert sorted((flag.account_id, flag.risk) for flag in decision.flags) == [("A", "churn"), ("A", "contraction")]


def test_the_default_policy_decides_a_night_with_three_risks() -> None:
    table = account_rows(
        {"a": "A", "p": 0.6, "e": 0.0, "arr": 9000.0},
        {"a": "B", "p": 0.0, "e": 0.6, "arr": 9000.0},
        {"a": "C", "p": 0.0, "e": 0.0, "arr": 9000.0},
        probability_contraction=pa.array([0.0, 0.0, 0.9]),
    )
    by = Policy.default()
    without_holdout = replace(by, rules=by.rules.model_copy(update={"holdout": None}))
    decision = decide(table, QueueState(), without_holdout, NIGHT)
    assert {flag.account_id: flag.risk for flag in decision.flags} == {
        "A": "churn",
        "B": "escalation",
        "C": "contraction",
    }


def test_the_night_warns_of_each_risk_without_rules() -> None:
    table = contraction(0.5)
    assert scored_risks(table) == ("contraction",)
    warnings = find_risks_without_rules(policy().rules, ("churn", *scored_risks(table)))
    assert warnings == (RiskWithoutRules(risk="contraction"),)
    assert warning_line(warnings[0]) == (
        "The policy has no table [risks.contraction], so default rules apply to it (docs/policy.md)."
    )


def test_an_unlisted_risk_is_replayed() -> None:
    day = datetime.combine(NIGHT + timedelta(days=20), time.min)
    truth = pa.table(
        {
            "account_id": ["A", "B"],
            "risk": ["contraction", "contraction"],
            "event": [True, False],
            "event_at": pa.array([day, None], pa.timestamp("us")),
        }
    )
    nights = [PastNight(NIGHT, contraction(0.9, 0.0, 0.0), truth)]
    figures = replay_policies(nights, {"it": policy()})["it"].figures()
    assert (figures.events, figures.caught) == (1, 1)
    assert figures.by_risk["contraction"].precision == 1.0
