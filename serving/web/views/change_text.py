"""What an entry of a case's record changed, and what a message about a case was about, in words."""

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from serving.handoff.render import day
from serving.store.tables import CaseEvent
from serving.web.display_text import code_title, lane_title, state_title

AUDITED_FIELD_TITLES: dict[str, str] = {
    "state": "state",
    "owner": "assigned to",
    "squad": "squad",
    "severity": "severity",
    "probability": "probability",
    "lane": "lane",
    "snoozed_until": "snoozed until",
    "outcome_reason": "reason",
    "outcome_amount": "amount a year",
}
"""The audited fields that a reader of the history asks about; timers and counters follow from these."""

MESSAGE_TITLES: dict[str, str] = {
    "opened": "new case",
    "raised": "risk risen again",
    "raised_again": "risk risen again",
    "escalated": "passed to the next person",
    "handed_over": "hand-over",
    "accepted": "hand-over accepted",
    "returned": "hand-over returned",
    "contacted": "customer contacted",
    "breached": "missed deadline",
    "sla_breached": "missed deadline",
    "closed": "case closed",
    "resolved": "case closed",
    "reopened": "case opened again",
    "mentioned": "mention",
    "changed": "change of the case",
}
"""What a message about a case was about, by the last part of its kind."""


OutcomeReasons = Mapping[str, Mapping[str, str]]
"""The titles of the policy's reasons, by outcome and code."""
NO_REASONS: OutcomeReasons = MappingProxyType({})


def change_texts(
    entry: CaseEvent, name_of: Callable[[str], str] = str, reasons: OutcomeReasons = NO_REASONS
) -> list[str]:
    """What an entry of the history changed, as ``state: from New to Claimed``."""
    titles = {**reasons.get(str(entry.before.get("state")), {}), **reasons.get(str(entry.after.get("state")), {})}
    texts = []
    for name, title in AUDITED_FIELD_TITLES.items():
        before, after = entry.before.get(name), entry.after.get(name)
        if name in entry.after and before is not None:
            texts.append(
                f"{title}: from {_value(name, before, name_of, titles)} to {_value(name, after, name_of, titles)}"
            )
        elif name.startswith("outcome_") and after is not None:
            texts.append(f"{title}: {_value(name, after, name_of, titles)}")
    return texts


def iso_day(text: str | None) -> str:
    """A day of the record, which is stored as ISO text; empty where there is none."""
    return day(date.fromisoformat(text)) if text else ""


def message_title(kind: str) -> str:
    """What a message was about, from a kind such as ``case.sla_breached``."""
    code = kind.rpartition(".")[2]
    return MESSAGE_TITLES.get(code, code.replace("_", " "))


def _value(name: str, value: object, name_of: Callable[[str], str], reasons: Mapping[str, str]) -> str:
    """A value of a field in words."""
    if value is None:
        return "nobody" if name == "owner" else "none"
    texts: dict[str, Callable[[Any], str]] = {
        "state": state_title,
        "owner": name_of,
        "lane": lane_title,
        "outcome_reason": lambda code: reasons.get(code, code_title(code)),
        "probability": lambda share: f"{share:.0%}",
        "outcome_amount": lambda money: f"{money:,.0f}",
        "snoozed_until": iso_day,
    }
    return texts.get(name, str)(value)
