"""What a workflow engine gets of a case: one stable key, a few plain variables, and the whole hand-off.

Conditions of a process need plain values (``severity``, ``probability``), a robot needs texts, and a later step may
need anything: so the variables that most processes ask for stand alone, and the frozen hand-off comes along as JSON.
"""

import json
from dataclasses import dataclass
from typing import Any

from serving.delivery.channel import ChannelMessage
from serving.paths.references.external_keys import external_key

STARTS = frozenset({"opened", "reopened", "incident_opened"})
"""The events that start an instance; the others only tell one that runs."""
ENDED_STATES = frozenset({"saved", "lost", "false_alarm", "no_action", "expired", "resolved", "over"})

VARIABLES = (
    *("account_id", "account", "risk", "lane", "squad", "owner", "state", "severity", "priority", "at_stake"),
    *("headline", "as_of", "ends_on", "respond_by", "resolve_by", "version", "name", "signals", "users", "accounts"),
    "started_at",
)
"""What is copied from the message, where it has a value."""

ENDING = ("state", "owner")
"""The variables that an instance gets when its case is over."""


@dataclass(frozen=True)
class WorkOrder:
    """A case or an incident for a workflow; ``handoff`` is the frozen package as a value, None without one."""

    key: str
    kind: str
    subject: str
    variables: dict[str, Any]
    handoff: dict[str, Any] | None
    priority: str

    @property
    def values(self) -> dict[str, Any]:
        """Every variable, the hand-off as a value."""
        return {**self.variables, **({"handoff": self.handoff} if self.handoff is not None else {})}

    @property
    def flat_values(self) -> dict[str, Any]:
        """Every variable as a text, number or truth value; the hand-off as the text of its JSON."""
        text = json.dumps(self.handoff, sort_keys=True, ensure_ascii=False) if self.handoff is not None else None
        return {**self.variables, **({"handoff": text} if text is not None else {})}


def starts_work(message: ChannelMessage) -> bool:
    """Whether a message starts an instance: a case or an incident was opened, or opened again."""
    event = message.kind.rpartition(".")[2]
    return bool(message.subject_kind) and (event in STARTS or message.data.get("change") == "reopen")


def ends_work(message: ChannelMessage) -> bool:
    """Whether a message says that a case or an incident is over."""
    return bool(message.subject_kind) and str(message.data.get("state", "")) in ENDED_STATES


def work_order(message: ChannelMessage) -> WorkOrder:
    """The work order of a message about a case or an incident."""
    data = message.data
    variables: dict[str, Any] = {name: data[name] for name in VARIABLES if data.get(name) is not None}
    variables |= {
        "source": "rescue",
        message.subject_kind: message.subject_id,
        **{f"probability_{risk}": value for risk, value in (data.get("probabilities") or {}).items()},
        **({"link": data["link"]} if data.get("link") else {}),
    }
    key = external_key(message.subject_kind, message.subject_id) + _round(message)
    handoff = json.loads(message.handoff) if message.handoff else None
    urgent = str(data.get("severity", "")).casefold() in {"critical", "urgent", "high"}
    return WorkOrder(key, message.subject_kind, message.subject, variables, handoff, "High" if urgent else "Normal")


def _round(message: ChannelMessage) -> str:
    """A case that is opened again is new work: its key names the version in which it was opened again."""
    again = message.data.get("change") == "reopen" or message.kind.endswith(".reopened")
    return f"-{message.data.get('version')}" if again else ""
