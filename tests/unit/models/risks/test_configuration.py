import pytest
from support.worlds.factories import Story

from features.errors import UsageError
from models.risks.configuration import for_history
from models.risks.defaults import CHURN, ESCALATION
from models.risks.risk import Risk


def story() -> Story:
    return Story().account("acme").ticket("acme", "2026-01-03").event("escalated", at="2026-01-05")


def test_churn_is_by_contract_where_there_are_subscriptions() -> None:
    history = story().subscription("acme", "2025-01-01", arr=1000.0).history()
    assert for_history(history) == {"churn": CHURN, "escalation": ESCALATION}


def test_churn_is_by_silence_where_nothing_is_contracted() -> None:
    found = for_history(story().history())
    assert found["churn"].label.kind == "silence"
    assert found["churn"].embargo == 90


def test_no_escalation_without_ticket_events() -> None:
    assert set(for_history(Story().account("acme").invoice("acme", "2026-01-01").history())) == {"churn"}


def test_settings_reach_the_label_and_the_capacity() -> None:
    history = story().subscription("acme", "2025-01-01").history()
    found = for_history(history, {"churn": {"horizon": 60, "capacity": 5}, "escalation": {"lead": 2}})
    assert (found["churn"].label.horizon, found["churn"].capacity) == (60, 5)
    assert found["churn"].embargo == 7 + 60 + 30
    assert found["escalation"].embargo == 16


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"chrun": {}}, "no risk named 'chrun'; did you mean 'churn'?"),
        ({"churn": {"horzion": 60}}, "has no setting 'horzion'; did you mean 'horizon'?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(overrides: dict[str, dict[str, int]], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        for_history(story().history(), overrides)
    assert told in str(refused.value)


@pytest.mark.parametrize("risk", [CHURN, ESCALATION])
def test_json_keeps_a_risk(risk: Risk) -> None:
    assert Risk.from_json(risk.to_json()) == risk


def test_a_risk_that_means_nothing_in_a_source_is_switched_off() -> None:
    history = story().history()
    assert set(for_history(history)) == {"churn", "escalation"}
    assert set(for_history(history, {"churn": {"kind": "none"}})) == {"escalation"}
    assert set(for_history(history, {"escalation": {"kind": "none"}})) == {"churn"}
