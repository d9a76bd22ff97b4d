"""Triggers, open cases and families of risks: when a case is raised again, resolved, or not opened."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.nights.policy_factory import NIGHT, OPEN, TRIGGERS, account_rows, accounts, float_schema, night, policy

from serving.policy.decision.decide import Policy, decide
from serving.policy.state.case_status import ClosureCode
from serving.policy.state.queue_state import (
    Cooldown,
    Decision,
    OpenCase,
    QueueState,
    RaiseCode,
    Streak,
    Suppressed,
    SuppressionCode,
)


def test_an_account_has_one_open_case_a_family() -> None:
    decision = night({"a": "A", "p": 0.55, "e": 0.6}, queue=QueueState(open_cases=(OPEN,)))
    assert [(flag.account_id, flag.risk) for flag in decision.flags] == [("A", "escalation")]
    open_case = Suppressed("A", "churn", SuppressionCode.OPEN_CASE, case_id="c1", alarms=("risk:churn",))
    assert decision.suppressed == (open_case,)


def test_risks_of_one_family_share_a_case() -> None:
    both = policy_of_one_family()
    decision = night({"a": "A", "p": 0.6, "e": 0.7}, by=both)
    assert len(decision.flags) == 1
    assert decision.flags[0].probabilities == {"churn": 0.6, "escalation": 0.7}
    assert not night({"a": "A", "e": 0.7}, queue=QueueState(open_cases=(OPEN,)), by=both).flags


def test_another_risk_of_the_family_is_a_new_alarm_once_and_then_raises_the_case_only_where_it_is_more_severe() -> None:
    both = policy_of_one_family()
    case = OPEN._replace(probability=0.1, alarms=("risk:churn",))
    again = night({"a": "A", "e": 0.7}, queue=QueueState(open_cases=(case,)), by=both).raised_again
    assert [(row.case_id, row.flag.risk, row.reason.code, row.reason.alarms) for row in again] == [
        ("c1", "escalation", RaiseCode.ALARM, ("risk:escalation",))
    ]
    queue = QueueState(open_cases=(case._replace(alarms=("risk:churn", "risk:escalation")),))
    assert not night({"a": "A", "e": 0.7}, queue=queue, by=both).raised_again
    again = night({"a": "A", "e": 0.85}, queue=queue, by=both).raised_again
    assert [(row.flag.risk, row.reason.code) for row in again] == [("escalation", RaiseCode.SEVERITY)]


def policy_of_one_family() -> Policy:
    """Both risks in the family "all"."""
    plain = policy()
    risks = {name: rule.model_copy(update={"family": "all"}) for name, rule in plain.rules.risks.items()}
    return replace(plain, rules=plain.rules.model_copy(update={"risks": risks}))


@pytest.mark.parametrize(
    ("probability", "code"),
    [
        (0.59, None),
        (0.60, RaiseCode.PROBABILITY),
        (0.85, RaiseCode.SEVERITY),
    ],
)
def test_a_worsening_account_is_raised_again_in_its_case(probability: float, code: RaiseCode | None) -> None:
    decision = night({"a": "A", "p": probability}, queue=QueueState(open_cases=(OPEN,)))
    assert not decision.flags
    raised = [(row.case_id, row.reason.code, row.reason.probability) for row in decision.raised_again]
    assert raised == ([("c1", code, probability)] if code else [])


def test_a_raised_case_takes_no_place_of_tonight() -> None:
    rows = ({"a": "A", "p": 0.9}, {"a": "B", "p": 0.9}, {"a": "C", "p": 0.9})
    decision = night(*rows, queue=QueueState(open_cases=(OPEN,)))
    assert accounts(decision.flags) == ["B", "C"]


@pytest.mark.parametrize(("days_ago", "flagged"), [(0, False), (9, False), (10, True)])
def test_an_account_cools_down_after_its_case(days_ago: int, flagged: bool) -> None:
    queue = QueueState(cooldowns=(Cooldown("A", "churn", NIGHT - timedelta(days=days_ago), "saved"),))
    decision = night({"a": "A", "p": 0.9}, queue=queue)
    assert bool(decision.flags) == flagged
    until = NIGHT + timedelta(days=10 - days_ago)
    cooling_down = Suppressed("A", "churn", SuppressionCode.COOLING_DOWN, until=until, alarms=("risk:churn",))
    assert decision.suppressed == (() if flagged else (cooling_down,))


def resolved(decision: Decision) -> list[ClosureCode | None]:
    """The marks of the open cases."""
    return [figures.resolved for figures in decision.live]


def test_a_case_is_resolved_once_the_account_has_left_its_risk() -> None:
    inside = Streak("A", "churn", 0, 1, inside=True)
    queue = QueueState(open_cases=(OPEN,), streaks=(inside,))
    assert resolved(night({"a": "A", "p": 0.2}, queue=queue)) == [ClosureCode.RISK_FALLEN]
    assert resolved(night({"a": "A", "p": 0.4}, queue=queue)) == [None]
    assert resolved(night({"a": "A", "p": float("nan")}, queue=queue)) == [None]
    assert resolved(night({"a": "B", "p": 0.2}, queue=queue)) == [ClosureCode.ACCOUNT_MISSING]


@pytest.mark.parametrize(
    ("tickets", "probability", "fired"),
    [
        (3.0, 0.19, None),
        (3.0, 0.20, ("together",)),
        (3.0, None, None),
        (5.0, None, ("alone",)),
        (5.0, 0.9, ("alone", "together")),
        (None, 0.4, None),
    ],
)
def test_a_trigger_raises_alone_or_with_the_risk(
    tickets: float | None, probability: float | None, fired: tuple[str, ...] | None
) -> None:
    table = account_rows({"a": "A", "p": probability, "tickets_open": tickets})
    decision = decide(table.cast(float_schema(table)), QueueState(), policy(TRIGGERS), NIGHT)
    assert [flag.triggers for flag in decision.flags] == ([fired] if fired else [])


def test_a_trigger_alone_counts_as_much_as_one_that_just_entered_and_sets_its_severity() -> None:
    flag = night({"a": "A", "tickets_open": 5.0}, by=policy(TRIGGERS)).flags[0]
    assert (flag.priority, flag.severity, flag.probabilities, flag.probability) == (250.0, "high", {}, 0.5)


def test_a_case_raised_by_a_trigger_is_not_raised_again_every_night() -> None:
    row = {"a": "A", "p": 0.1, "tickets_open": 5.0}
    flag = night(row, by=policy(TRIGGERS)).flags[0]
    case = OpenCase("c1", "A", "churn", flag.severity, flag.probability, NIGHT, squad=flag.squad)
    assert not night(row, queue=QueueState(open_cases=(case,)), by=policy(TRIGGERS)).raised_again


@pytest.mark.parametrize(
    ("minimum", "flagged"), [("", ["A", "B"]), ("minimum = 260", []), ("minimum = 250", ["A", "B"])]
)
def test_a_priority_below_the_minimum_is_suppressed(minimum: str, flagged: list[str]) -> None:
    by = policy(f"{TRIGGERS}\n[priority]\n{minimum}")
    decision = night({"a": "A", "p": 0.5}, {"a": "B", "tickets_open": 5.0}, by=by)
    assert accounts(decision.flags) == flagged
    below = [] if flagged else [("A", 250.0, 260.0), ("B", 250.0, 260.0)]
    assert [(row.account_id, row.priority, row.minimum) for row in decision.suppressed] == below


def test_a_case_of_a_family_is_resolved_only_when_all_its_risks_are_low() -> None:
    queue, both = QueueState(open_cases=(OPEN,)), policy_of_one_family()
    assert night({"a": "A", "p": 0.1, "e": 0.7}, queue=queue, by=both).live[0].resolved is None
    assert resolved(night({"a": "A", "p": 0.1, "e": 0.1}, queue=queue, by=both)) == [ClosureCode.RISK_FALLEN]


def test_the_counts_are_by_risk_trigger_and_result() -> None:
    counts = night({"a": "A", "p": 0.9}, {"a": "B", "p": 0.1, "tickets_open": 5.0}, by=policy(TRIGGERS)).counts
    assert (counts.accounts, counts.flagged, counts.waiting) == (2, 2, 0)
    assert (counts.scored, counts.detected) == ({"churn": 2, "escalation": 0}, {"churn": 2, "escalation": 0})
    assert counts.triggers == {"alone": 1, "together": 1}


def test_a_trigger_that_raises_alone_counts_at_least_as_the_threshold_and_more_with_a_higher_score() -> None:
    rows = ({"a": "A", "p": 0.9, "tickets_open": 5.0}, {"a": "B", "p": 0.1, "tickets_open": 5.0})
    flags = night(*rows, by=policy(TRIGGERS)).flags
    assert [(flag.account_id, flag.effective_probability, flag.priority) for flag in flags] == [
        ("A", 0.9, 450.0),
        ("B", 0.5, 250.0),
    ]
