"""Triggers that raise cases only while a risk has no model: the queue of a company with too little history to train."""

from support.nights.policy_factory import accounts, night, policy

from serving.policy.definition.explanation import explain
from serving.policy.definition.policy_file import Policy

MANY = """[triggers.many]
when = "tickets_opened_28d >= 4"
risk = "churn"
raises = "without_model"
message = "Many tickets"
"""


def row(name: str, tickets: float, probability: float | None) -> dict[str, object]:
    return {"a": name, "tickets_opened_28d": tickets, "p": probability}


def test_without_a_model_the_trigger_raises_cases_and_with_one_it_does_not() -> None:
    by = policy(MANY)
    assert accounts(night(row("A", 5.0, None), row("B", 1.0, None), by=by).flags) == ["A"]
    assert accounts(night(row("A", 5.0, 0.01), row("B", 1.0, 0.9), by=by).flags) == ["B"]


def test_an_account_that_the_model_did_not_score_is_not_raised_by_it() -> None:
    assert accounts(night(row("A", 5.0, None), row("B", 1.0, 0.9), by=policy(MANY)).flags) == ["B"]


def test_the_explanation_and_the_shipped_policy_say_when_it_counts() -> None:
    assert "Raises a case only while there is no model of churn" in explain(policy(MANY))
    shipped = Policy.default().rules.triggers
    assert {name for name, it in shipped.items() if it.raises == "without_model"} == {
        "usage_stopped", "usage_falls", "health_falls", "many_tickets"
    }  # fmt: skip
