"""The parts of a priority: their product is what the policy computes, or nothing is said."""

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.nights.night_factory import RULES

from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.detection.account_table import AccountTable
from serving.policy.detection.price_parts import PricedFigures, explain_priority
from serving.policy.detection.priority import compute_priority, value_of_ending
from serving.policy.detection.revenue import Revenue

URGENT = PolicyFile.model_validate(
    RULES.model_dump(mode="json")
    | {
        "priority": {
            "revenue_cap": 50_000,
            "urgency": [{"within_days": 30, "factor": 2.0}, {"within_days": 90, "factor": 1.5}],
        },
        "risks": {
            "churn": {"enter": 0.4, "leave": 0.2, "cost": 300, "save_rate": 0.25},
            "escalation": {"enter": 0.4, "leave": 0.2, "cost": 50},
        },
        "cancellations": {"save_rate": 0.15, "cost": 100},
    }
)
FIGURES = PricedFigures("at_risk", "churn", {"churn": 0.27, "escalation": 0.6}, 40_000.0, None, 20.0)


def computed(figures: PricedFigures, probability: float, risk: str = "churn") -> float:
    """What a night computes for these figures."""
    table = AccountTable(
        pa.table(
            {
                "account_id": ["a"],
                "arr": pa.array([figures.revenue], pa.float64()),
                "renews_in": pa.array([figures.days], pa.float64()),
            }
        )
    )
    revenue = Revenue(table.numbers("arr"), np.array([figures.revenue or figures.estimated or 0.0]))
    return float(compute_priority(table, revenue, np.array([probability]), URGENT.risks[risk], URGENT.priority)[0])


def test_every_factor_is_named() -> None:
    parts = explain_priority(computed(FIGURES, 0.27), FIGURES, URGENT)
    assert parts is not None
    assert parts.revenue * 0.27 * 0.25 * 2 - 300 == pytest.approx(parts.value) == pytest.approx(5_100)
    assert (parts.risk, parts.urgency, parts.within_days, parts.cost) == ("churn", 2.0, 30, 300)


@given(
    st.floats(0.001, 0.999),
    st.floats(1.0, 200_000.0),
    st.one_of(st.none(), st.integers(0, 400)),
    st.booleans(),
)
def test_it_adds_up_for_every_account(probability: float, revenue: float, days: int | None, known: bool) -> None:
    figures = dataclasses.replace(
        FIGURES,
        probabilities={"churn": probability},
        revenue=revenue if known else None,
        estimated=None if known else revenue,
        days=days,
    )
    parts = explain_priority(computed(figures, probability), figures, URGENT)
    assert parts is not None
    assert parts.probability is not None
    product = parts.revenue * parts.probability * parts.share * parts.urgency - parts.cost
    assert product == pytest.approx(computed(figures, probability), abs=0.01)
    assert parts.is_estimate is not known
    assert parts.capped is (revenue > 50_000)


def test_a_trigger_alone_counts_as_the_threshold() -> None:
    parts = explain_priority(computed(FIGURES, 0.4), FIGURES, URGENT)
    assert parts is not None
    assert parts.probability == 0.4


def test_a_cancellation_has_no_probability() -> None:
    rule = URGENT.cancellations
    value = value_of_ending(
        np.array([9_000.0]), np.array([20.0]), rule.save_rate, rule.cost, URGENT.priority.urgency, URGENT.priority
    )
    leaving = dataclasses.replace(FIGURES, lane="leaving", at_stake=9_000.0)
    parts = explain_priority(float(value[0]), leaving, URGENT)
    assert parts is not None
    assert (parts.revenue, parts.probability, parts.share, parts.urgency, parts.cost) == (9_000, None, 0.15, 2.0, 100)


@pytest.mark.parametrize("change", [{"revenue": 41_000.0}, {"probabilities": {"churn": 0.5}}, {"days": None}])
def test_what_does_not_add_up_is_not_explained(change: dict[str, Any]) -> None:
    assert explain_priority(computed(FIGURES, 0.27), dataclasses.replace(FIGURES, **change), URGENT) is None


def test_an_uplift_is_what_a_rescue_lowers() -> None:
    rules = URGENT.model_copy(update={"priority": URGENT.priority.model_copy(update={"uplift": True})})
    parts = explain_priority(40_000 * 0.06 * 2 - 300, FIGURES, rules)
    assert parts is not None
    assert (parts.uplift, round(parts.share, 6), parts.probability) == (True, 0.06, None)
