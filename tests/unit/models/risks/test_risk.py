"""A risk is kept with its model: it reads what it wrote, and what earlier versions wrote."""

import pytest

from models.risks.configuration import configured
from models.risks.defaults import CHURN, ESCALATION, SILENCE
from models.risks.risk import Risk

DECLARED = configured(
    {
        "late": {
            "kind": "overdue",
            "days": 9,
            "horizon": 30,
            "title": "Pays late",
            "eligible": "contract_arr > 1",
        }
    }
)["late"][0]

EARLIER = {
    "name": "escalation",
    "title": "Escalation within 14 days",
    "label": {
        "risk": "escalation",
        "kind": "escalation",
        "horizon": 14,
        "lead": 0,
        "grace": 30,
        "active": 180,
        "active_on": ["invoices", "usage_daily", "tickets"],
    },
    "capacity": 20,
    "groups": ["usage", "support"],
}


@pytest.mark.parametrize("risk", [CHURN, SILENCE, ESCALATION, DECLARED])
def test_json_keeps_a_risk(risk: Risk) -> None:
    assert Risk.from_json(risk.to_json()) == risk


def test_what_an_earlier_version_wrote_is_the_default_risk_of_today() -> None:
    assert Risk.from_json(EARLIER) == ESCALATION


def test_a_title_that_is_set_is_kept() -> None:
    assert Risk.from_json(DECLARED.to_json()).title == "Pays late"
