"""The communication protocol of a policy in words: who is notified of which event, how, and when."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from serving.paths.protocol import EventRule, Party, ProtocolEvent

if TYPE_CHECKING:
    from serving.policy.definition.policy_schema import PolicyFile

EVENT_TITLES = {
    ProtocolEvent.OPENED: "A case is opened",
    ProtocolEvent.RAISED_AGAIN: "A case is raised again",
    ProtocolEvent.ASSIGNED: "Somebody is given a case",
    ProtocolEvent.ESCALATED: "A case is escalated",
    ProtocolEvent.HANDED_OVER: "A case is handed over",
    ProtocolEvent.ACCEPTED: "A hand-over is accepted",
    ProtocolEvent.RETURNED: "A hand-over is returned",
    ProtocolEvent.CONTACTED: "The customer is contacted",
    ProtocolEvent.SLA_BREACHED: "A deadline is missed",
    ProtocolEvent.RESOLVED: "A case is closed",
    ProtocolEvent.REOPENED: "A case is opened again",
    ProtocolEvent.MENTIONED: "Somebody is mentioned in a comment",
    ProtocolEvent.INCIDENT_OPENED: "An incident is opened",
    ProtocolEvent.INCIDENT_OVER: "An incident is over",
}


def protocol_lines(rules: "PolicyFile") -> Iterator[str]:
    """One line for each event that somebody is notified of; one line alone where nobody can be."""
    has_address = any(person.addresses for person in rules.people.values())
    if not (has_address or rules.protocol):
        yield "Nobody: no person has an address, and [protocol] is empty. Channels of rescue.toml get every event."
        return
    for event, rule in rules.full_protocol.items():
        if event.startswith("incident") and not rules.incidents:
            continue
        if not has_address and event not in rules.protocol:
            continue
        yield f"{EVENT_TITLES[event]}: {_parties(rule)}."
    if rules.digest is not None:
        days = f" on {', '.join(rules.digest.days)}" if rules.digest.days else ""
        digest = f"one digest at {rules.digest.time}{days}"
        yield f"What waits for the morning is {digest}, unless the person chose otherwise."


def _parties(rule: EventRule) -> str:
    now = [_party(party, channels) for party, channels in rule.parties.items() if party not in rule.daily]
    later = [_party(party, channels) for party, channels in rule.parties.items() if party in rule.daily]
    parts = [*([", ".join(now)] if now else []), *([f"in the morning {', '.join(later)}"] if later else [])]
    text = "; ".join(parts) or "nobody"
    return f"{text}; with {', '.join(name.replace('_', ' ') for name in rule.fields)}" if rule.fields else text


def _party(party: Party, channels: tuple[str, ...]) -> str:
    name = party.replace("_", " ")
    return f"{name} ({', '.join(channels)})" if channels else name
