"""Figures of rules: precision at a recall with ties, intervals that draw accounts, a test that chance rarely passes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.path_design.issues.rule_evaluation import evaluate_rule, precision_at_recall, precision_estimate


def test_precision_at_a_recall_takes_the_needed_part_of_a_tie() -> None:
    scores = np.array([3.0, 2.0, 2.0, 2.0, 2.0, 1.0])
    outcome = np.array([True, True, False, True, False, False])
    assert precision_at_recall(scores, outcome, 1 / 3) == 1.0
    assert precision_at_recall(scores, outcome, 2 / 3) == pytest.approx(2 / 3)  # one of four, half of which are right
    assert precision_at_recall(scores, outcome, 1.0) == pytest.approx(3 / 5)
    assert np.isnan(precision_at_recall(scores, np.zeros(6, bool), 0.3))


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=60), st.integers(0, 999))
def test_the_order_of_rows_does_not_matter_and_weight_two_is_the_row_twice(
    rows: list[tuple[int, bool]], seed: int
) -> None:
    scores, outcome = np.array([it for it, _ in rows], float), np.array([it for _, it in rows])
    if not outcome.any():
        return
    order = np.random.default_rng(seed).permutation(len(rows))
    value = precision_at_recall(scores, outcome, 0.3)
    assert precision_at_recall(scores[order], outcome[order], 0.3) == pytest.approx(value)
    weight = np.where(np.arange(len(rows)) % 2, 1.0, 2.0)
    twice = np.repeat(np.arange(len(rows)), weight.astype(int))
    weighted = precision_at_recall(scores, outcome, 0.3, weight)
    assert weighted == pytest.approx(precision_at_recall(scores[twice], outcome[twice], 0.3))


def test_an_interval_contains_its_value_and_is_wider_where_few_accounts_have_all_tickets() -> None:
    rng = np.random.default_rng(1)
    account_rate = rng.random(600) < 0.3
    many, few = np.arange(600), np.arange(600) // 50
    outcome = account_rate[few * 50]
    holds = np.ones(600, bool)
    holds[::3] = False
    one, other = (evaluate_rule(holds, outcome, cluster) for cluster in (many, few))
    for figures in (one, other):
        assert figures.precision.low <= figures.precision.value <= figures.precision.high
    assert other.precision.high - other.precision.low > 1.5 * (one.precision.high - one.precision.low)


def test_a_rule_of_chance_passes_at_the_level_and_a_rule_of_few_accounts_never() -> None:
    rng = np.random.default_rng(3)
    passed = 0
    for _ in range(400):
        cluster = rng.integers(0, 120, 800)
        outcome = rng.random(800) < 0.1 + 0.4 * (rng.random(120) < 0.2)[cluster]  # tickets of an account are alike
        passed += evaluate_rule(rng.random(800) < 0.2, outcome, cluster).p_value <= 0.05
    assert passed <= 34  # 20 expected, 95% interval of Binomial(400, .05) up to 29
    outcome = np.zeros(200, bool)
    outcome[:20] = True
    holds = np.zeros(200, bool)
    holds[:20] = True
    assert evaluate_rule(holds, outcome, np.arange(200) // 10).p_value == 1.0


def test_a_perfect_ranking_reaches_the_limit() -> None:
    outcome = np.arange(400) % 10 == 0
    precision, lift = precision_estimate(outcome.astype(float), outcome, np.arange(400), 0.3)
    assert precision.value == 1.0
    assert lift.value == pytest.approx(10.0)
