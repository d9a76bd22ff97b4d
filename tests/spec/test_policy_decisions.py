"""The rules of the policy, one per test: which accounts get a case, are raised again, wait, or are suppressed."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from support.nights.policy_factory import NIGHT, OPEN, TRIGGERS, account_rows, accounts, float_schema, night, policy

from serving.contracts import RoutingCode, RoutingReason
from serving.policy.decision.decide import Policy, accounts_to_explain, decide, decide_with_reasons
from serving.policy.detection.account_table import AccountTableError
from serving.policy.state.queue_state import (
    Cooldown,
    QueueState,
    Streak,
    Suppressed,
    SuppressionCode,
)


def run(probabilities: list[float | None], by: Policy) -> list[str]:
    """Play one account's probabilities night by night on an empty queue; ``!`` where it is flagged."""
    queue, seen = QueueState(), []
    for number, probability in enumerate(probabilities):
        table = account_rows({"a": "A", "p": probability})
        decision = decide(table.cast(float_schema(table)), queue, by, NIGHT + timedelta(days=number))
        queue = QueueState(streaks=decision.streaks)
        seen.append("!" if decision.flags else ".")
    return seen


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
