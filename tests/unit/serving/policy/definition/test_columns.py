"""The columns that a condition may use."""

import pytest

from features.contract import Metric
from serving.policy.definition.columns import condition_columns
from serving.policy.definition.policy_file import Policy, PolicyError, default_text

NPS = Metric("nps", "NPS", "points", "good", "NPS")
TRIGGER = """
[triggers.unhappy]
when = "metric_nps_change_28d <= -20"
risk = "churn"
raises = "alone"
message = "NPS fell"
"""


def test_a_feature_a_field_and_a_risk_are_columns() -> None:
    columns = condition_columns(["churn"])
    assert columns["usage_events_7d"] == ("usage_events_7d", "number")
    assert columns["segment"] == ("segment", "text")
    assert columns["churn"] == columns["probability_churn"] == ("probability_churn", "number")
    assert "at_stake" not in columns and "at_stake" in condition_columns(["churn"], of_case=True)


def test_the_features_of_a_declared_metric_are_columns() -> None:
    assert "metric_nps_last" not in condition_columns(["churn"])
    assert condition_columns(["churn"], metrics=[NPS])["metric_nps_last"] == ("metric_nps_last", "number")


def test_a_trigger_may_read_a_declared_metric_only() -> None:
    text = default_text() + TRIGGER
    assert "metric_nps_change_28d" in Policy.parse(text, metrics=[NPS]).conditions.columns
    with pytest.raises(PolicyError, match="metric_nps_change_28d"):
        Policy.parse(text)
