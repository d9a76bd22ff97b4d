"""What happened in a rehearsal, in the order of time: entries of the record, messages to people, and hand-offs.

Entries and messages are read from the queue after each instant, so that nothing is printed that was not written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.cases.escalation.path_context import responsible_of
from serving.store.database import Store
from serving.store.exchange import Message
from serving.store.incident_tables import Incident, IncidentEvent
from serving.store.tables import Account, Case, CaseEvent

SYSTEM_NAME = "rescue"

CASE_EVENT_TEXTS: Mapping[str, str] = {
    "opened": "opens the case",
    "raised": "raises the case again",
    "acknowledge": "acknowledges it",
    "claim": "claims the case",
    "accept": "accepts the case",
    "return": "returns the case",
    "hand_over": "hands the case over",
    "release": "gives the case back to the squad",
    "assign": "assigns the case",
    "reassign": "assigns the case to somebody else",
    "contact": "contacts the customer",
    "plan": "agrees on a plan",
    "resolve": "closes it",
    "reopen": "opens it again",
    "comment": "comments",
    "escalated": "escalates it",
    "path_repeated": "asks again",
    "path_ended": "has nobody else to ask",
    "breached": "records a missed deadline",
}
INCIDENT_EVENT_TEXTS: Mapping[str, str] = {
    **CASE_EVENT_TEXTS,
    "opened": "opens the incident",
    "notified": "begins the escalation path",
    "over": "ends the incident: it has been quiet",
    "reopened": "opens the incident again",
}
"""What is done, as the end of a sentence that begins with a name."""


@dataclass(frozen=True)
class TimelineEvent:
    """An entry of the record: when, about what, who did what, and the comment."""

    at: datetime
    about: str
    actor: str
    kind: str
    comment: str
    of_incident: bool = False

    @property
    def text(self) -> str:
        """What is done."""
        texts = INCIDENT_EVENT_TEXTS if self.of_incident else CASE_EVENT_TEXTS
        return texts.get(self.kind, self.kind.replace("_", " "))


@dataclass(frozen=True)
class TimelineMessage:
    """A message: when it is delivered, to whom, on which channel and address, and its text.

    ``person`` is None for a channel that gets every event. ``daily`` is whether it is in the mail of the morning.
    """

    at: datetime
    about: str
    kind: str
    person: str | None
    channel: str
    address: str | None
    subject: str
    text: str
    daily: bool


@dataclass(frozen=True)
class HandOff:
    """Who has to act from an instant on; None for nobody."""

    at: datetime
    about: str
    person: str | None


@dataclass
class Timeline:
    """The whole rehearsal; ``titles`` name cases and incidents by id."""

    events: list[TimelineEvent] = field(default_factory=list)
    messages: list[TimelineMessage] = field(default_factory=list)
    hand_offs: list[HandOff] = field(default_factory=list)

    def entries(self) -> list[TimelineEvent | TimelineMessage]:
        """Events and messages by time, an event before the messages about it."""
        return sorted([*self.events, *self.messages], key=lambda entry: (entry.at, isinstance(entry, TimelineMessage)))


class TimelineReader:
    """Reads what is new in the queue since the last time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.timeline = Timeline()
        self._newest = {CaseEvent: 0, IncidentEvent: 0}
        self._seen: set[str] = set()
        self._responsible: dict[str, str | None] = {}

    def read(self, now: datetime) -> bool:
        """Add the new entries, messages and hand-offs; whether there were any."""
        before = len(self.timeline.events) + len(self.timeline.messages)
        with self.store.reading() as session:
            titles = dict(_titles(session))
            for event in self._events(session):
                of_case = isinstance(event, CaseEvent)
                subject = event.case_id if isinstance(event, CaseEvent) else event.incident_id
                comment = event.comment or ""
                self.timeline.events.append(
                    TimelineEvent(event.at, titles[subject], event.actor, event.kind, comment, not of_case)
                )
            for message in session.scalars(
                select(Message).order_by(Message.created_at, Message.person, Message.channel)
            ):
                if message.id not in self._seen:
                    self._seen.add(message.id)
                    self.timeline.messages.append(_message(message, titles))
            for subject, person in _responsible(session):
                if self._responsible.get(subject) != person:
                    self._responsible[subject] = person
                    self.timeline.hand_offs.append(HandOff(now, titles[subject], person))
        return len(self.timeline.events) + len(self.timeline.messages) > before

    def _events(self, session: Session) -> Iterator[CaseEvent | IncidentEvent]:
        cases = session.scalars(select(CaseEvent).where(CaseEvent.id > self._newest[CaseEvent]).order_by(CaseEvent.id))
        for event in cases:
            self._newest[CaseEvent] = event.id
            yield event
        newest = self._newest[IncidentEvent]
        for change in session.scalars(
            select(IncidentEvent).where(IncidentEvent.id > newest).order_by(IncidentEvent.id)
        ):
            self._newest[IncidentEvent] = change.id
            yield change


def _titles(session: Session) -> Iterator[tuple[str, str]]:
    query = select(Case.id, Account.name, Case.account_id).join(Account, Account.account_id == Case.account_id)
    for subject, name, account in session.execute(query):
        yield subject, name or account
    for subject, title in session.execute(select(Incident.id, Incident.title)):
        yield subject, title


def _responsible(session: Session) -> Iterator[tuple[str, str | None]]:
    """Who has to act, for each case and incident."""
    for case in session.scalars(select(Case).order_by(Case.id)):
        yield case.id, responsible_of(case) if case.closed_at is None else None
    for incident in session.scalars(select(Incident).order_by(Incident.id)):
        yield incident.id, incident.responsible if incident.closed_at is None else None


def _message(message: Message, titles: Mapping[str, str]) -> TimelineMessage:
    payload: Mapping[str, Any] = message.payload
    subject = message.case_id or message.incident_id or ""
    return TimelineMessage(
        at=message.next_at,
        about=titles.get(subject, ""),
        kind=message.kind,
        person=message.person,
        channel=message.channel,
        address=message.recipient,
        subject=str(payload.get("subject", "")),
        text=str(payload.get("text", "")),
        daily=message.batch is not None,
    )
