"""From a message to an alert: what a paging service receives, and under which key.

An alert is one case or one incident, however many messages there are about it. Its key is computed from the id alone,
so a message that is sent twice changes the same alert, and nothing has to be remembered.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from serving.delivery.channel import ChannelMessage
from serving.paths.message_text import plain_line
from serving.paths.references.external_keys import KEY_PREFIX, external_key

LONGEST_SUMMARY = 1000
TRIGGER_EVENTS = frozenset(
    {
        *("opened", "raised", "raised_again", "reopened", "escalated", "handed_over", "returned", "breached"),
        *("sla_breached", "incident_opened"),
    }
)
"""The events that wake somebody up; every other message only changes an alert that is open already."""

OVER_STATES = frozenset({"saved", "lost", "false_alarm", "no_action", "expired", "resolved", "over"})
REOPENED = frozenset({"reopen", "reopened"})
WITH_PEOPLE = frozenset({"claimed", "contacted", "in_plan", "snoozed"})
"""The states of a case that somebody works on."""

SEVERITY_LEVELS = {"critical": "critical", "urgent": "critical", "high": "error", "medium": "warning", "low": "info"}
"""Our severities in the four words of PagerDuty; a policy's own word counts as an error."""


class AlertStep(StrEnum):
    """What is done to an alert."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True)
class Alert:
    """What is said to a paging service; ``details`` are short facts in words."""

    step: AlertStep
    key: str
    summary: str
    level: str
    at: str
    link: str
    details: dict[str, str]


class AlertService(Protocol):
    """A paging service."""

    def send_alert(self, alert: Alert) -> None:
        """Trigger, acknowledge or resolve an alert, or raise ``DeliveryError``."""


def alert_of(message: ChannelMessage) -> Alert | None:
    """The alert of a message; None where the message changes nothing that a paging service shows."""
    data, event = {**message.data, **message.current}, message.kind.rpartition(".")[2]
    step = _step(data, event, operations=message.kind.startswith("operations."))
    if step is None:
        return None
    return Alert(
        step=step,
        key=alert_key(data, message.id),
        summary=plain_line(message.subject, LONGEST_SUMMARY),
        level=SEVERITY_LEVELS.get(str(data.get("severity", "")).casefold(), "error"),
        at=datetime.fromisoformat(message.timestamp).isoformat(),
        link=str(data.get("link") or message.link or ""),
        details=_details(data),
    )


def alert_key(data: dict[str, Any], message_id: str) -> str:
    """The key of an alert: that of its case or incident; of a message to operators, its own id."""
    for kind in ("case", "incident"):
        if data.get(kind):
            return external_key(kind, str(data[kind]))
    return f"{KEY_PREFIX}{message_id}"


def _step(data: dict[str, Any], event: str, *, operations: bool) -> AlertStep | None:
    state = str(data.get("state", ""))
    if state in OVER_STATES or event in {"closed", "resolved", "incident_over"}:
        return AlertStep.RESOLVE
    if event in TRIGGER_EVENTS or data.get("change") in REOPENED or operations:
        return AlertStep.TRIGGER
    if data.get("acknowledged_by") or state in WITH_PEOPLE:
        return AlertStep.ACKNOWLEDGE
    return None


def _details(data: dict[str, Any]) -> dict[str, str]:
    shown = {
        "headline": data.get("headline"),
        "squad": data.get("squad"),
        "severity": data.get("severity"),
        "responsible": data.get("owner") or data.get("responsible"),
        "case": data.get("case"),
        "incident": data.get("incident"),
        "respond by": data.get("respond_by"),
        "source": "rescue",
    }
    return {name: plain_line(str(value)) for name, value in shown.items() if value}
