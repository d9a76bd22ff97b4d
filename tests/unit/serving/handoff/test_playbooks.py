"""Which playbook a hand-off suggests, and that the file of playbooks is complete."""

import copy
import tomllib
from datetime import date
from importlib.resources import files
from typing import Any

import pytest
from pydantic import ValidationError

from features.catalogue import GROUPS
from models.contracts import Reason
from serving.handoff.playbooks import Playbooks, SelectionCode, default_playbooks, suggest_playbook

BILLING = Reason("billing", "f", 0.5, "An invoice is overdue")
WEAK = Reason("usage", "f", 2.0, "Weak", weak=True)
LOWERS = Reason("support", "f", -1.0, "Lowers")
ABOUT_DATA = Reason("data", "f", 1.0, "Data")
ENDS_ON = date(2026, 5, 31)


@pytest.mark.parametrize(
    ("risk", "reasons", "ends_on", "name", "why"),
    [
        (
            "churn",
            (WEAK, LOWERS, ABOUT_DATA, BILLING),
            None,
            "clarify-invoice",
            "Selected by a reason that can be acted on: An invoice is overdue",
        ),
        ("churn", (WEAK,), None, "early-renewal", "No reason can be acted on; selected by the risk churn"),
        (
            "churn",
            (BILLING,),
            ENDS_ON,
            "cancellation-received",
            "A cancellation was received; the contract ends on 31 May 2026",
        ),
        (
            "escalation",
            (BILLING,),
            ENDS_ON,
            "clarify-invoice",
            "Selected by a reason that can be acted on: An invoice is overdue",
        ),
        (
            "contraction",
            (),
            None,
            "first-call",
            "No reason can be acted on, and the risk has no playbook of its own",
        ),
    ],
)
def test_a_cancellation_then_a_reason_then_the_risk_selects(
    risk: str, reasons: tuple[Reason, ...], ends_on: date | None, name: str, why: str
) -> None:
    suggestion = suggest_playbook(risk, reasons, ends_on)
    assert (suggestion.name, suggestion.text()) == (name, why)


def test_a_lost_part_selects_before_reasons_and_after_a_cancellation() -> None:
    lost = suggest_playbook("churn", (BILLING,), None, ENDS_ON)
    assert (lost.name, lost.code) == ("part-ends", SelectionCode.PARTIAL_LOSS)
    assert lost.text() == "A part of the contracts ends on 31 May 2026"
    assert suggest_playbook("churn", (), ENDS_ON, ENDS_ON).name == "cancellation-received"


def test_the_playbook_of_a_risk_comes_from_data() -> None:
    content = written()
    content["selection"]["risks"]["late_payment"] = "clarify-invoice"
    suggestion = suggest_playbook("late_payment", (), available=Playbooks.model_validate(content))
    assert (suggestion.name, suggestion.code) == ("clarify-invoice", SelectionCode.RISK)
    assert suggestion.text().endswith("selected by the risk late payment")


def test_every_group_of_reasons_that_can_be_acted_on_has_a_playbook() -> None:
    assert set(GROUPS) - default_playbooks().selection.reasons.keys() == {"account", "data", "metrics"}


def written() -> dict[str, Any]:
    text = files("serving.handoff").joinpath("playbooks.default.toml").read_text(encoding="utf-8")
    return copy.deepcopy(tomllib.loads(text))


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("selection", "fallback", "first-cal", "not both defined and selected: first-cal, first-call"),
        ("selection", "reason", {}, "Extra inputs are not permitted"),
        ("playbooks", "unused", {"title": "t", "steps": ["s"]}, "not both defined and selected: unused"),
        ("playbooks", "first-call", {"title": "t", "steps": []}, "at least 1 item"),
    ],
)
def test_a_mistake_in_the_file_is_refused(section: str, key: str, value: object, message: str) -> None:
    content = written()
    content[section][key] = value
    with pytest.raises(ValidationError, match=message):
        Playbooks.model_validate(content)


def test_an_unknown_group_of_reasons_is_refused() -> None:
    content = written()
    content["selection"]["reasons"]["usge"] = "first-call"
    with pytest.raises(ValidationError, match="groups of reasons do not exist: usge"):
        Playbooks.model_validate(content)
