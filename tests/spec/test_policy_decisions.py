"""The rules of the policy, one per test: which accounts get a case, are raised again, wait, or are suppressed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from support.nights.policy_factory import NIGHT, account_rows, accounts, night, policy

from serving.contracts import RoutingCode, RoutingReason
from serving.policy.decision.decide import Policy, accounts_to_explain, decide, decide_with_reasons
from serving.policy.detection.account_table import AccountTableError
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

OPEN = OpenCase("c1", "A", "churn", "normal", 0.5, date(2026, 2, 20), squad="care")


def run(probabilities: list[float | None], by: Policy) -> list[str]:
    """Play one account's probabilities night by night on an empty queue; ``!`` where it is flagged."""
    queue, seen = QueueState(), []
    for number, probability in enumerate(probabilities):
        table = account_rows({"a": "A", "p": probability})
        decision = decide(table.cast(_schema(table)), queue, by, NIGHT + timedelta(days=number))
        queue = QueueState(streaks=decision.streaks)
        seen.append("!" if decision.flags else ".")
    return seen


def _schema(table: pa.Table) -> pa.Schema:
    return pa.schema([(name, pa.string() if name == "account_id" else pa.float64()) for name in table.column_names])


@pytest.mark.parametrize(
    ("probabilities", "nights", "flagged"),
    [
        ([0.49, 0.50, 0.51], 1, ".!!"),  # the threshold itself counts
        ([0.60, 0.60, 0.60], 2, ".!!"),  # two nights in a row
        ([0.60, 0.40, 0.60, 0.60], 2, "...!"),  # a night in between begins anew
        ([0.60, None, 0.60], 2, "..!"),  # a night without a score neither adds nor breaks
        ([0.60, 0.40, 0.31], 1, "!!!"),  # between the thresholds it stays
        ([0.60, 0.29, 0.29, 0.40], 1, "!!.."),  # two nights below: it has left, and has to enter again
        ([0.60, 0.29, 0.30, 0.29], 1, "!!!!"),  # the lower threshold itself is not below
        ([0.60, 0.29, None, 0.29], 1, "!!!."),  # unknown does not break the way out either
        ([0.60, 0.20, 0.20, 0.60], 1, "!!.!"),  # and back
    ],
)
def test_an_account_enters_high_and_leaves_low(probabilities: list[float | None], nights: int, flagged: str) -> None:
    by = policy(enter=f"enter_nights = {nights}\nenter = 0.5")
    assert "".join(run(probabilities, by)) == flagged


def test_too_few_nights_above_the_threshold_are_recorded() -> None:
    decision = night({"a": "A", "p": 0.6}, by=policy(enter="enter = 0.5\nenter_nights = 3"))
    assert decision.suppressed == (
        Suppressed("A", "churn", SuppressionCode.TOO_FEW_NIGHTS, nights=1, nights_required=3),
    )


def test_the_order_is_the_priority() -> None:
    decision = night(
        {"a": "A", "p": 0.6, "arr": 1000.0},
        {"a": "B", "p": 0.9, "arr": 1000.0},
        {"a": "C", "p": 0.5, "arr": 900_000.0},  # capped at 250,000
    )
    everyone = [*decision.flags, *decision.waiting]
    assert accounts(everyone) == ["C", "B", "A"]
    assert [flag.priority for flag in everyone] == [62_500.0, 450.0, 300.0]
    assert everyone[0].at_stake == 900_000.0


def test_cost_urgency_and_unknown_revenue_enter_the_priority() -> None:
    by = policy(
        "[priority]\nunknown_revenue = 100\n"
        "urgency = [{within_days = 30, factor = 2.0}, {within_days = 90, factor = 1.5}]",
        enter="enter = 0.5\ncost = 10",
    )
    rows = [{"a": str(days), "p": 0.5, "arr": None, "renews_in": days} for days in (30, 31, 91, None)]
    decision = night({"a": "x", "p": 0.1, "arr": 1.0}, *rows, by=by)
    worth = {flag.account_id: flag.priority for flag in (*decision.flags, *decision.waiting)}
    assert worth == {"30": 40.0, "31": 27.5, "91": 15.0, "None": 15.0}


def test_ties_are_broken_by_rank_score_renewal_and_account() -> None:
    rows = [
        {"a": "D", "p": 0.6, "rank_churn": 0.1, "renews_in": 50.0},
        {"a": "C", "p": 0.6, "rank_churn": 0.1, "renews_in": 50.0},
        {"a": "B", "p": 0.6, "rank_churn": 0.1, "renews_in": 10.0},
        {"a": "A", "p": 0.6, "rank_churn": 0.1, "renews_in": None},
        {"a": "E", "p": 0.6, "rank_churn": 0.9, "renews_in": None},
    ]
    decision = night(*rows)
    assert accounts([*decision.flags, *decision.waiting]) == ["E", "B", "C", "D", "A"]


def test_what_does_not_fit_waits_with_its_rank() -> None:
    decision = night(*({"a": name, "p": p} for name, p in (("A", 0.9), ("B", 0.8), ("C", 0.7), ("D", 0.6))))
    assert [(flag.account_id, flag.rank) for flag in decision.flags] == [("A", 1), ("B", 2)]
    assert [(flag.account_id, flag.rank, flag.squad) for flag in decision.waiting] == [
        ("C", 1, "care"),
        ("D", 2, "care"),
    ]


def test_a_squad_at_its_limit_of_open_cases_gets_no_more() -> None:
    by = policy(capacity="capacity = 5\nmax_open = 3")
    queue = QueueState(open_cases=tuple(OPEN._replace(case_id=str(i), account_id=f"old{i}") for i in range(2)))
    decision = night({"a": "A", "p": 0.9}, {"a": "B", "p": 0.8}, queue=queue, by=by)
    assert (accounts(decision.flags), accounts(decision.waiting)) == (["A"], ["B"])


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


TRIGGERS = """
[triggers.alone]
when = "tickets_open >= 5"
risk = "churn"
raises = "alone"
severity = "high"
message = "Many tickets"

[triggers.together]
when = "tickets_open >= 3"
risk = "churn"
raises = "with_risk"
min_probability = 0.2
skill = "billing"
message = "Some tickets"
"""


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
    decision = decide(table.cast(_schema(table)), QueueState(), policy(TRIGGERS), NIGHT)
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


def test_by_default_nothing_that_is_worth_less_than_its_cost_gets_a_case() -> None:
    by = policy(enter="enter = 0.5\ncost = 300")
    decision = night({"a": "A", "p": 0.5}, {"a": "B", "p": 0.9}, by=by)
    assert accounts(decision.flags) == ["B"]
    assert [(row.code, row.priority) for row in decision.suppressed] == [(SuppressionCode.BELOW_MINIMUM, -50.0)]


def test_reasons_reach_the_routing() -> None:
    by = policy('[routing.reasons]\nbilling = "billing"')
    text = account_rows({"a": "A", "p": 0.9}, {"a": "B", "p": 0.8})
    plain = decide(text, QueueState(), by, NIGHT)
    assert accounts_to_explain(plain) == ("A", "B")
    requested = []

    def first_reasons(found: Sequence[str]) -> dict[tuple[str, str], str | None]:
        requested.extend(found)
        return {("A", "churn"): "billing", ("B", "churn"): None}

    decision = decide_with_reasons(text, QueueState(), by, NIGHT, first_reasons)
    assert requested == ["A", "B"]
    assert {flag.account_id: flag.squad for flag in decision.flags} == {"A": "support", "B": "care"}
    assert decision.flags[0].routing == RoutingReason(RoutingCode.REASON, "billing", "billing")


def test_nobody_is_explained_where_no_reason_chooses_a_squad() -> None:
    text = account_rows({"a": "A", "p": 0.9}, {"a": "B", "p": 0.8})

    def first_reasons(_found: Sequence[str]) -> dict[tuple[str, str], str | None]:
        raise AssertionError("asked for reasons")

    decision = decide_with_reasons(text, QueueState(), policy(), NIGHT, first_reasons)
    assert decision == decide(text, QueueState(), policy(), NIGHT)


HOLDOUT = '\n[holdout]\nshare = 0.5\nsalt = "s"\n[holdout.exempt]\nlarge = "arr >= 5000"\n'


def test_the_hold_out_comes_before_capacity_and_exemptions_are_logged() -> None:
    rows = [{"a": f"A{number:03d}", "p": 0.9, "arr": 5000.0 if number % 10 == 0 else 1000.0} for number in range(200)]
    decision = night(*rows, by=policy(HOLDOUT))
    assert len(decision.flags) == 2
    assert 70 <= len(decision.held_out) <= 110
    held = {one.account_id for one in decision.held_out}
    assert len(held) + len(decision.flags) + len(decision.waiting) == 200
    assert all(one.rule == "large" and one.account_id.endswith("0") for one in decision.exempted)
    assert 4 <= len(decision.exempted) <= 16
    assert not held & {one.account_id for one in decision.exempted}


def test_an_account_with_an_open_case_is_not_held_out_of_it() -> None:
    by = policy('\n[holdout]\nshare = 0.5\nsalt = "s"\n')
    held = night(*({"a": f"A{i}", "p": 0.6} for i in range(20)), by=by).held_out[0].account_id
    case = OPEN._replace(account_id=held)
    decision = night({"a": held, "p": 0.9}, queue=QueueState(open_cases=(case,)), by=by)
    assert [again.case_id for again in decision.raised_again] == ["c1"]


def test_the_order_of_the_rows_means_nothing() -> None:
    draw = np.random.default_rng(7)
    count = 300
    table = pa.table(
        {
            "account_id": [f"A{number:04d}" for number in range(count)],
            "probability_churn": draw.choice([0.2, 0.5, 0.6, 0.9], count),
            "probability_escalation": draw.choice([0.1, 0.5, 0.7], count),
            "arr": draw.choice([1000.0, 2000.0], count),
            "tickets_open": draw.poisson(2, count).astype(float),
        }
    )
    queue = QueueState(
        open_cases=tuple(OPEN._replace(case_id=f"c{n}", account_id=f"A{n:04d}") for n in range(0, count, 7)),
        streaks=tuple(Streak(f"A{n:04d}", "churn", 1, 0, inside=True) for n in range(0, count, 5)),
        cooldowns=tuple(Cooldown(f"A{n:04d}", "escalation", NIGHT) for n in range(0, count, 11)),
    )
    by = policy(TRIGGERS + HOLDOUT)
    first = decide(table, queue, by, NIGHT)
    for seed in range(5):
        mixed = table.take(np.random.default_rng(seed).permutation(count))
        turned = QueueState(queue.open_cases[::-1], queue.streaks[::-1], queue.cooldowns[::-1])
        assert decide(mixed, turned, by, NIGHT) == first


def test_streaks_of_accounts_and_risks_that_are_not_there_tonight_stay() -> None:
    streaks = (Streak("A", "churn", 1, 0, inside=True), Streak("Z", "other", 2, 0, inside=False))
    assert night({"a": "B", "p": 0.1}, queue=QueueState(streaks=streaks)).streaks == streaks


def test_no_candidates_is_a_quiet_night() -> None:
    decision = decide(account_rows({"a": "A", "p": 0.9}).slice(0, 0), QueueState(open_cases=(OPEN,)), policy(), NIGHT)
    assert (decision.flags, decision.closures) == ((), ())


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (({"a": "A"}, {"a": "A"}), "The account A has more than one row"),
        (({"a": "A"}, {"a": None}), "1 accounts have no account_id"),
        (({"arr": 1.0},), "no column account_id"),
    ],
)
def test_candidates_that_are_not_one_row_an_account_are_refused(rows: tuple[dict[str, str]], said: str) -> None:
    with pytest.raises(AccountTableError, match=said):
        night(*rows)


def test_numbers_that_are_not_finite_are_unknown() -> None:
    decision = night({"a": "A", "p": float("inf")}, {"a": "B", "p": 0.9, "arr": float("nan")})
    assert accounts(decision.flags) == ["B"]
    assert (decision.flags[0].at_stake, decision.flags[0].estimated_revenue) == (None, 1000.0)


def test_region_and_ticket_category_reach_the_routing() -> None:
    more = '[routing.ticket_categories]\nbug = "support"\n'
    by = policy(more, capacity='capacity = 2\nregions = ["US"]')
    rows = (
        {"a": "A", "p": 0.9, "region": "US", "ticket_category": "bug"},
        {"a": "B", "p": 0.8, "region": "JP", "ticket_category": "other"},
    )
    routing = {flag.account_id: flag.routing for flag in night(*rows, by=by).flags}
    assert routing == {
        "A": RoutingReason(RoutingCode.TICKET, "support", "bug"),
        "B": RoutingReason(RoutingCode.RISK, "retention", "churn", unserved_region="JP"),
    }


def test_the_capped_revenue_at_stake_decides_severity_and_vip() -> None:
    more = '[squads.stars]\nskills = ["vip"]\nmembers = ["flo", "gil"]\ncapacity = 1\n'
    vip = '[routing.vip]\nwhen = "at_stake >= 250000"\n'
    by = policy(more + vip, when='when = "at_stake >= 2000"')
    rows = (
        {"a": "A", "p": 0.6, "arr": 900_000.0},
        {"a": "B", "p": 0.6, "arr": 2000.0},
        {"a": "C", "p": 0.6, "arr": 1.0},
    )
    decision = night(*rows, by=by)
    flags = [*decision.flags, *decision.waiting]
    assert [(flag.account_id, flag.severity, flag.squad) for flag in flags] == [
        ("A", "high", "stars"),
        ("B", "high", "care"),
        ("C", "normal", "care"),
    ]


def test_the_first_of_several_severities_whose_condition_holds_counts() -> None:
    middle = 'name = "high"\nwhen = "probability >= 0.95"\nrespond_hours = 1\nresolve_hours = 8\n'
    middle += 'responsible = "primary"\naccountable = "lead"\n\n[[severities]]\nname = "middle"'
    by = policy(name=middle, capacity="capacity = 3")
    flags = night(*({"a": name, "p": p} for name, p in (("A", 0.96), ("B", 0.8), ("C", 0.6))), by=by).flags
    assert [(flag.account_id, flag.severity) for flag in flags] == [("A", "high"), ("B", "middle"), ("C", "normal")]


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
