import numpy as np
import pyarrow as pa
import pytest

from models.learners.baselines import BASELINES, Baseline, BaselineScorer, scores

FRAME = pa.table(
    {
        "account_id": ["a", "b", "c", "d"],
        "health_score": [80.0, 20.0, None, 50.0],
        "tickets_opened_90d": [0.0, 3.0, 1.0, None],
        "contract_renews_in_days": [9.0, 9.0, 9.0, 9.0],
    }
)


@pytest.mark.parametrize(("name", "order"), [("lowest_health", "bdac"), ("most_tickets", "bcad")])
def test_a_rule_puts_the_riskiest_first_and_the_unknown_last(name: str, order: str) -> None:
    ranked = np.argsort(-scores(FRAME, 1)[name], kind="stable")
    assert "".join("abcd"[place] for place in ranked) == order


def test_a_rule_whose_column_does_not_vary_is_left_out() -> None:
    assert set(scores(FRAME, 1)) == {"random", "lowest_health", "most_tickets"}


def test_every_rule_looks_at_a_feature_that_exists() -> None:
    from features.catalogue import FEATURES

    assert {rule.column for rule in BASELINES} <= {feature.name for feature in FEATURES}


def test_a_rule_as_a_scorer_keeps_its_order() -> None:
    values = np.random.default_rng(1).normal(50, 20, 2000).astype(np.float32)
    scorer = BaselineScorer.learn(Baseline("lowest_health", "", "health_score", -1), 0, values)
    line = scorer.margin(np.linspace(-50, 150, 300, dtype=np.float32)[:, None])
    assert np.all(np.diff(line) <= 0)
    assert line[0] > 2 > -2 > line[-1]


def test_a_row_without_a_value_stands_in_the_middle() -> None:
    scorer = BaselineScorer.learn(BASELINES[0], 1, np.arange(100, dtype=np.float32))
    assert scorer.margin(np.array([[1.0, np.nan]], dtype=np.float32)) == pytest.approx(0.0)
