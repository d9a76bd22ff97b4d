"""The communication protocol: which party is notified at each event, by which channels, at once or in the morning.

A policy without a protocol has a default that suits a team of ten: what a night brings is in one message on the
next morning, unless it has to be answered before, and what cannot wait is sent at once. It only concerns people who
have an address.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from serving.paths.directory import Directory, Reader, ReaderKind
from serving.paths.subjects import Subject


class ProtocolEvent(StrEnum):
    """What happens to a case or an incident."""

    OPENED = "opened"
    RAISED_AGAIN = "raised_again"
    ASSIGNED = "assigned"
    ESCALATED = "escalated"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    CONTACTED = "contacted"
    SLA_BREACHED = "sla_breached"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    MENTIONED = "mentioned"
    INCIDENT_OPENED = "incident_opened"
    INCIDENT_OVER = "incident_over"


class Party(StrEnum):
    """Who may be notified of an event."""

    RESPONSIBLE = "responsible"
    ACCOUNTABLE = "accountable"
    CONSULTED = "consulted"
    INFORMED = "informed"
    ACCOUNT_OWNER = "account_owner"
    RECEIVING_SQUAD = "receiving_squad"
    VENDOR = "vendor"
    MENTIONED = "mentioned"


@dataclass(frozen=True)
class EventRule:
    """What is sent about one event: the channels by party (none: the reader's first address).

    ``daily`` are the parties whose messages wait for the reader's next morning. ``template`` replaces the first
    paragraph, ``fields`` are the facts that each message lists.
    """

    parties: Mapping[Party, tuple[str, ...]] = field(default_factory=dict)
    daily: frozenset[Party] = frozenset()
    template: str | None = None
    fields: tuple[str, ...] = ()


Protocol = Mapping[ProtocolEvent, EventRule]


def _rule(now: Collection[Party] = (), later: Collection[Party] = ()) -> EventRule:
    return EventRule(dict.fromkeys((*now, *later), ()), frozenset(later))


DEFAULT_PROTOCOL: Protocol = {
    ProtocolEvent.OPENED: _rule((), (Party.RESPONSIBLE, Party.ACCOUNTABLE, Party.CONSULTED, Party.INFORMED)),
    ProtocolEvent.RAISED_AGAIN: _rule((), (Party.RESPONSIBLE, Party.ACCOUNTABLE)),
    ProtocolEvent.ASSIGNED: _rule((Party.RESPONSIBLE,)),
    ProtocolEvent.ESCALATED: _rule((Party.RESPONSIBLE, Party.ACCOUNTABLE)),
    ProtocolEvent.HANDED_OVER: _rule((Party.RESPONSIBLE,)),
    ProtocolEvent.ACCEPTED: _rule(),
    ProtocolEvent.RETURNED: _rule((Party.RESPONSIBLE,), (Party.ACCOUNTABLE,)),
    ProtocolEvent.CONTACTED: _rule((), (Party.INFORMED,)),
    ProtocolEvent.SLA_BREACHED: _rule((Party.RESPONSIBLE, Party.ACCOUNTABLE)),
    ProtocolEvent.RESOLVED: _rule((), (Party.ACCOUNTABLE, Party.INFORMED)),
    ProtocolEvent.REOPENED: _rule((Party.RESPONSIBLE,), (Party.ACCOUNTABLE,)),
    ProtocolEvent.MENTIONED: _rule((Party.MENTIONED,)),
    ProtocolEvent.INCIDENT_OPENED: _rule((Party.RESPONSIBLE, Party.ACCOUNTABLE), (Party.INFORMED,)),
    ProtocolEvent.INCIDENT_OVER: _rule((Party.RESPONSIBLE,), (Party.ACCOUNTABLE, Party.INFORMED)),
}
"""What is sent where the policy says nothing about an event; nobody without an address gets anything."""


class Notification(NamedTuple):
    """One message to send: to whom, as which party, on which channel, and whether it waits for the morning.

    ``address`` is the reader's on that channel; None where the message goes to the channel's own receivers.
    ``party`` is None for a step of a path.
    """

    reader: Reader
    party: Party | None
    channel: str
    address: str | None
    daily: bool = False


def party_readers(party: Party, subject: Subject, directory: Directory, at: datetime) -> tuple[Reader, ...]:
    """The readers of a party of this case at an instant."""
    if party is Party.RECEIVING_SQUAD:
        return directory.on_duty(subject, at).readers
    if party is Party.VENDOR:
        words = [name for name in subject.reached if directory.is_outside(name)]
        return directory.resolve_all(words, subject, at).readers
    if party is Party.MENTIONED:
        return directory.resolve_all(subject.mentioned, subject, at).readers
    return directory.resolve(party.replace("_", " "), subject, at).readers


def event_notifications(
    event: ProtocolEvent,
    subject: Subject,
    protocol: Protocol,
    directory: Directory,
    at: datetime,
    already: Collection[tuple[str, str]] = (),
) -> tuple[Notification, ...]:
    """The messages about an event; ``already`` are the names and channels that have their message of it.

    Nobody is notified of what they did themselves, and nobody twice on one channel. Of those who belong to several
    parties, the first party counts, in the order of :class:`Party`.
    """
    rule = protocol.get(event, DEFAULT_PROTOCOL[event])
    seen = set(already)
    notifications: list[Notification] = []
    for party in Party:
        if party not in rule.parties:
            continue
        channels = rule.parties[party]
        for reader in party_readers(party, subject, directory, at):
            if reader.kind is ReaderKind.PERSON and reader.name == subject.actor:
                continue
            for channel, address in directory.routes(reader, channels):
                if (reader.name, channel) not in seen:
                    seen.add((reader.name, channel))
                    notifications.append(Notification(reader, party, channel, address, party in rule.daily))
    return tuple(notifications)


def step_notifications(
    readers: Collection[Reader], channels: tuple[str, ...], directory: Directory
) -> tuple[Notification, ...]:
    """The messages of a step of a path; they never wait."""
    return tuple(
        Notification(reader, None, channel, address)
        for reader in readers
        for channel, address in directory.routes(reader, channels)
    )
