"""A policy that ranks by uplift: what replaces probability × save rate, and what stays as it was."""

import numpy as np
import pytest
from support.nights.policy_factory import POLICY, account_rows, night, policy

from serving.policy.definition.explanation import explain
from serving.policy.definition.policy_file import Policy
from serving.policy.detection.priority import expected_effect

UPLIFT = "[priority]\nuplift = true\n"
HOLDOUT = '[holdout]\nshare = 0.5\nsalt = "s1"\n'
ROWS = (
    {"a": "A", "p": 0.9, "uplift_churn": 0.05},
    {"a": "B", "p": 0.6, "uplift_churn": 0.4},
    {"a": "C", "p": 0.7, "uplift_churn": None},
)


def test_the_uplift_replaces_probability_and_save_rate() -> None:
    decision = night(*ROWS, by=policy(UPLIFT))
    flags = {flag.account_id: flag for flag in (*decision.flags, *decision.waiting)}
    assert {name: flag.priority for name, flag in flags.items()} == {"A": 50.0, "B": 400.0, "C": 350.0}
    assert {name: flag.uplift for name, flag in flags.items()} == {"A": 0.05, "B": 0.4, "C": None}
    assert [flag.account_id for flag in decision.flags] == ["B", "C"]


def test_without_the_setting_the_column_is_not_read() -> None:
    decision = night(*ROWS)
    assert [(flag.account_id, flag.priority, flag.uplift) for flag in decision.flags] == [
        ("A", 450.0, None),
        ("C", 350.0, None),
    ]


def test_a_rescue_saves_at_most_the_probability_and_never_less_than_nothing() -> None:
    rule = policy().rules.risks["churn"]
    effect = expected_effect(np.array([0.3, 0.3, 0.3]), np.array([0.5, -0.2, np.nan]), rule)
    assert effect.tolist() == pytest.approx([0.3, 0.0, 0.15])


def test_an_account_that_a_rescue_does_not_help_comes_last_and_keeps_its_case() -> None:
    decision = night(
        {"a": "A", "p": 0.95, "uplift_churn": -0.1}, {"a": "B", "p": 0.6, "uplift_churn": 0.01}, by=policy(UPLIFT)
    )
    assert [(flag.account_id, flag.priority) for flag in decision.flags] == [("B", 10.0), ("A", 0.0)]


def test_an_enrolment_expects_what_the_priority_says() -> None:
    decision = night(*ROWS[:2], by=policy(UPLIFT + HOLDOUT))
    assert {row.account_id: row.expected_value for row in decision.enrolments} == pytest.approx({"A": 50.0, "B": 400.0})


def test_a_policy_without_the_setting_keeps_its_version() -> None:
    plain = Policy.parse(POLICY + "[priority]\nminimum = 0\n")
    assert "uplift" not in plain.rules.content()["priority"]
    off = Policy.parse(POLICY + "[priority]\nminimum = 0\nuplift = false\n")
    assert off.version == plain.version != policy(UPLIFT).version


def test_the_explanation_names_the_term_only_where_it_is_asked_for() -> None:
    assert "Probability × save rate is replaced by the uplift" in explain(policy(UPLIFT))
    assert "uplift" not in explain(policy())


def test_the_order_of_rows_does_not_matter() -> None:
    first = night(*ROWS, by=policy(UPLIFT))
    again = night(*reversed(ROWS), by=policy(UPLIFT))
    assert first == again
    assert account_rows(*ROWS).num_rows == 3
