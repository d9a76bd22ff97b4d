"""The priority of a case, and the order of ties, key by key."""

import numpy as np
import pyarrow as pa
import pytest
from support.nights.policy_factory import account_rows

from serving.policy.definition.policy_schema import PriorityRule, RiskRule
from serving.policy.definition.policy_section import Urgency
from serving.policy.detection.account_table import AccountTable
from serving.policy.detection.priority import (
    compute_priority,
    order_of_work,
    revenue_at_stake,
    urgency_factor,
    value_of_ending,
)
from serving.policy.detection.revenue import Revenue

NAN = float("nan")
RULE = PriorityRule(
    revenue_cap=1000.0,
    unknown_revenue=40.0,
    urgency=(Urgency(within_days=30, factor=2.0), Urgency(within_days=90, factor=1.5)),
)


def ordered(**keys: list[float]) -> list[int]:
    """The order of two rows that are equal in all keys but those given."""
    names = ("priority", "probability", "rank_score", "renews_in")
    columns = [np.array(keys.get(name, [1.0, 1.0])) for name in names]
    place = np.array(keys.get("place", [0, 1]), dtype=np.int64)
    return order_of_work(*columns, place).tolist()


@pytest.mark.parametrize(
    ("key", "first_wins", "second_wins"),
    [
        ("priority", [2.0, 1.0], [1.0, 2.0]),
        ("probability", [0.6, 0.5], [0.5, 0.6]),
        ("rank_score", [0.6, 0.5], [0.5, 0.6]),
        ("rank_score", [0.1, NAN], [NAN, 0.1]),
        ("rank_score", [-5.0, NAN], [NAN, -5.0]),
        ("renews_in", [10.0, 20.0], [20.0, 10.0]),
        ("renews_in", [9999.0, NAN], [NAN, 9999.0]),
        ("place", [3, 7], [7, 3]),
    ],
)
def test_each_key_breaks_a_tie_of_those_before_it(key: str, first_wins: list[float], second_wins: list[float]) -> None:
    assert ordered(**{key: first_wins}) == [0, 1]
    assert ordered(**{key: second_wins}) == [1, 0]


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [("priority", "probability"), ("probability", "rank_score"), ("rank_score", "renews_in"), ("renews_in", "place")],
)
def test_a_key_counts_only_where_those_before_it_are_equal(stronger: str, weaker: str) -> None:
    wins = {"renews_in": [2.0, 1.0], "place": [1, 0]}
    second_by_stronger = {stronger: wins.get(stronger, [1.0, 2.0])}
    first_by_weaker = {weaker: list(reversed(wins.get(weaker, [1.0, 2.0])))}
    assert ordered(**second_by_stronger, **first_by_weaker) == [1, 0]


def table(*rows: dict[str, float | None]) -> AccountTable:
    return AccountTable.of(account_rows(*({"a": f"A{place}", **row} for place, row in enumerate(rows))))


def test_revenue_is_capped_and_unknown_revenue_is_assumed() -> None:
    accounts = table({"arr": 999.0}, {"arr": 1000.0}, {"arr": 5000.0}, {"arr": None}, {"arr": 0.0})
    assert revenue_at_stake(Revenue.of(accounts, RULE).estimated, RULE).tolist() == [999.0, 1000.0, 1000.0, 40.0, 0.0]


def test_the_first_band_that_contains_the_renewal_applies() -> None:
    accounts = table(*({"renews_in": days} for days in (30.0, 31.0, 90.0, 91.0, None, -1.0)))
    assert urgency_factor(accounts.numbers("renews_in"), RULE.urgency).tolist() == [2.0, 1.5, 1.5, 1.0, 1.0, 2.0]


def test_the_priority_is_rounded_to_the_cent() -> None:
    rule = RiskRule.model_validate({"enter": 0.5, "leave": 0.3, "save_rate": 0.5, "cost": 10.0})
    accounts = table({"arr": 100.0, "renews_in": 20.0}, {"arr": 333.333, "renews_in": None})
    priority = compute_priority(accounts, Revenue.of(accounts, RULE), np.array([0.3, 0.5]), rule, RULE)
    assert priority.tolist() == [20.0, 73.33]


def test_a_table_without_revenue_or_renewals_has_defaults() -> None:
    accounts = AccountTable.of(pa.table({"account_id": ["A"]}))
    assert revenue_at_stake(Revenue.of(accounts, RULE).estimated, RULE).tolist() == [40.0]
    assert urgency_factor(accounts.numbers("renews_in"), RULE.urgency).tolist() == [1.0]


def test_the_value_of_an_ending_contract_needs_no_probability() -> None:
    ending, days = np.array([800.0, 5000.0, 800.0]), np.array([9.0, 400.0, NAN])
    assert value_of_ending(ending, days, 0.25, 50.0, RULE.urgency, RULE).tolist() == [350.0, 200.0, 150.0]
