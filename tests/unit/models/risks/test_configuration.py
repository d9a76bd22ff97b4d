"""Which risks a source has: the default ones, changed, switched off and extended by settings that are checked."""

from typing import Any

import pytest
from support.worlds.factories import Story

from features.errors import UsageError
from models.risks.configuration import configured, for_history, not_shown
from models.risks.defaults import CHURN, ESCALATION

CONTRACTION = {"kind": "decrease", "share": 0.2, "horizon": 60, "lead": 7}
LATE_PAYMENT = {"kind": "overdue", "days": 30, "horizon": 45, "eligible": "contract_arr > 0"}


def story() -> Story:
    return Story().account("acme").ticket("acme", "2026-01-03").event("escalated", at="2026-01-05")


def test_churn_is_by_contract_where_there_are_subscriptions() -> None:
    history = story().subscription("acme", "2025-01-01", arr=1000.0).history()
    assert for_history(history) == {"churn": CHURN, "escalation": ESCALATION}


def test_churn_is_by_silence_where_nothing_is_contracted() -> None:
    churn = for_history(story().history())["churn"]
    assert (churn.label.kind, churn.embargo, churn.title) == ("silence", 90, "Churn: no activity for 90 days")


def test_no_escalation_without_ticket_events() -> None:
    assert set(for_history(Story().account("acme").invoice("acme", "2026-01-01").history())) == {"churn"}


def test_a_risk_that_is_not_shown_names_the_table_that_is_missing() -> None:
    without = Story().account("acme").health("acme", "2026-02-01", 90.0).history()
    assert not_shown(without) == {"escalation": "ticket_events"}
    assert not_shown(without, {"escalation": {"kind": "none"}}) == {}
    assert not_shown(story().history()) == {}


def test_settings_reach_the_label_the_capacity_and_the_title() -> None:
    history = story().subscription("acme", "2025-01-01").history()
    risks = for_history(history, {"churn": {"horizon": 60, "capacity": 5}, "escalation": {"lead": 2, "title": "Anger"}})
    assert (risks["churn"].label.horizon, risks["churn"].capacity) == (60, 5)
    assert (risks["churn"].embargo, risks["escalation"].embargo) == (7 + 60 + 30, 16)
    assert (risks["churn"].title, risks["escalation"].title) == ("Churn within 60 days", "Anger")


def test_a_kind_takes_the_default_form_of_that_kind() -> None:
    history = story().subscription("acme", "2025-01-01").history()
    churn = for_history(history, {"churn": {"kind": "silence", "active_on": ["tickets"]}})["churn"]
    assert (churn.label.kind, churn.label.lead, churn.label.active_on) == ("silence", 0, ("tickets",))


def test_further_risks_are_declared_by_settings_alone() -> None:
    history = story().subscription("acme", "2025-01-01").invoice("acme", "2026-01-01").history()
    risks = for_history(history, {"contraction": CONTRACTION, "late_payment": LATE_PAYMENT})
    assert list(risks) == ["churn", "escalation", "contraction", "late_payment"]
    assert risks["contraction"].title == "Contraction within 60 days"
    assert risks["contraction"].embargo == 7 + 60 + 30
    assert risks["late_payment"].title == "Late payment within 45 days"
    assert risks["late_payment"].eligible == "contract_arr > 0"


def test_a_risk_whose_table_is_absent_is_left_out_like_every_missing_source() -> None:
    assert "late_payment" not in for_history(story().history(), {"late_payment": LATE_PAYMENT})


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "contract", "horizon": 60, "lead": 3, "grace": 10},
        {"kind": "silence", "horizon": 60, "lead": 3, "active": 50, "active_on": ["tickets"]},
        {"kind": "event", "horizon": 60, "lead": 3, "table": "invoices", "where": "amount > 5"},
        {"kind": "decrease", "horizon": 60, "lead": 3, "grace": 10, "measure": "seats", "share": 0.5},
        {"kind": "overdue", "horizon": 60, "lead": 3, "days": 5, "active": 50},
    ],
)
def test_every_setting_that_a_kind_reads_reaches_its_label(settings: dict[str, Any]) -> None:
    (risk,) = configured({"declared": settings})["declared"]
    read = {key: getattr(risk.label, key) for key in settings}
    assert read == {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}


def test_an_event_of_any_table() -> None:
    rule = {"kind": "event", "table": "outcomes", "where": "action = 'contacted' AND NOT holdout", "horizon": 7}
    (contact,) = configured({"contact": rule})["contact"]
    assert (contact.label.table, contact.label.reads) == ("outcomes", "outcomes")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chrun": {}}, "no risk named 'chrun'; did you mean 'churn'?"),
        ({"churn": {"horzion": 60}}, "has no setting 'horzion'; did you mean 'horizon'?"),
        ({"churn": {"kind": "contracts"}}, "The risk churn has no kind 'contracts'; did you mean 'contract'?"),
        ({"churn": {"kind": "contracts"}}, "Allowed: contract, decrease, event, none, overdue, silence."),
        ({"churn": {"learner": "logistik"}}, "has no learner 'logistik'; did you mean 'logistic'?"),
        ({"churn": {"learner": 3}}, "The learner of the risk churn is 3; it is a text."),
        ({"churn": {"kind": "silence", "grace": 3}}, "of kind silence has no setting 'grace'"),
        ({"churn": {"horizon": 0}}, "needs whole days"),
        ({"churn": {"horizon": 60.5}}, "needs whole days"),
        ({"churn": {"horizon": "soon"}}, "needs whole days"),
        ({"churn": {"lead": -1}}, "needs whole days"),
        ({"churn": {"capacity": 0}}, "capacity of the risk churn is 0"),
        ({"churn": {"title": 5}}, "title of the risk churn is 5"),
        ({"churn": {"eligible": "contrat_arr > 1"}}, "unknown column contrat_arr; did you mean contract_arr"),
        ({"churn": {"eligible": "contract_arr"}}, "is a number, not a condition"),
        ({"churn": {"eligible": "(SELECT 1) = 1"}}, "not allowed"),
        ({"late": {"kind": "overdue"}}, "The risk late needs a horizon"),
        ({"all": {"kind": "overdue", "horizon": 9}}, "cannot be named 'all'"),
        ({"health_score": {"kind": "overdue", "horizon": 9}}, "cannot be named 'health_score'"),
        ({"Late Payment": {"kind": "overdue", "horizon": 9}}, "small letters"),
        ({"big": {"kind": "event", "table": "invoice", "horizon": 9}}, "table 'invoice'; did you mean 'invoices'?"),
        ({"big": {"kind": "event", "table": "accounts", "horizon": 9}}, "cannot be an event of the table 'accounts'"),
        (
            {"big": {"kind": "event", "table": "invoices", "where": "amont > 9", "horizon": 9}},
            "where of the risk big names the unknown column amont; did you mean amount",
        ),
        (
            {"big": {"kind": "event", "table": "invoices", "where": "read_text('/etc/passwd') = ''", "horizon": 9}},
            "uses the function read_text",
        ),
        ({"big": {"kind": "event", "table": "invoices", "where": 7, "horizon": 9}}, "are texts"),
        ({"less": {"kind": "decrease", "measure": "ar", "horizon": 9}}, "cannot measure 'ar'; did you mean 'arr'?"),
        ({"less": {"kind": "decrease", "share": 1.5, "horizon": 9}}, "share of the risk less is 1.5"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_allowed_words_and_the_nearest(
    settings: dict[str, dict[str, Any]], message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        configured(settings)
    assert message in str(refused.value)


def test_a_condition_may_name_the_features_of_a_declared_metric() -> None:
    (churn, _) = configured({"churn": {"eligible": "metric_nps_last < 0"}})["churn"]
    assert churn.eligible == "metric_nps_last < 0"


def test_a_risk_that_means_nothing_in_a_source_is_switched_off() -> None:
    history = story().history()
    assert set(for_history(history)) == {"churn", "escalation"}
    assert set(for_history(history, {"churn": {"kind": "none"}})) == {"escalation"}
    assert set(for_history(history, {"escalation": {"kind": "none"}})) == {"churn"}
