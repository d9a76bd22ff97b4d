"""Contacts with the customer: who was contacted, how, with what result, and when; each is one entry of the log.

A result other than ``reached`` is an attempt: it does not stop the response timer, because the customer has heard
nothing yet.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from features.errors import UsageError, suggest_name
from serving.store.casework.casework_queries import contacts_of
from serving.store.casework.casework_tables import CHANNELS, DIRECTIONS, RESULTS, ContactEntry
from serving.store.tables import Case, CaseEvent

CLOCK_TOLERANCE = timedelta(minutes=5)
LONGEST_NAME = 200


@dataclass(frozen=True)
class ContactDetails:
    """What is recorded of a contact.

    ``person`` is the name of who was contacted, or the id of one of the account's contacts. ``at`` is when it happened
    (UTC), by default now.
    """

    person: str = ""
    channel: str = "other"
    direction: str = "outbound"
    result: str = "reached"
    at: datetime | None = None

    @property
    def reached(self) -> bool:
        """Whether the customer was reached."""
        return self.result == "reached"

    def checked(self, now: datetime) -> "ContactDetails":
        """The same, where every word is known and the time is not ahead.

        Raises:
            UsageError: it names what is wrong.
        """
        for what, word, known in (
            ("channel", self.channel, CHANNELS),
            ("direction", self.direction, DIRECTIONS),
            ("result", self.result, RESULTS),
        ):
            if word not in known:
                raise UsageError(f"There is no {what} {word!r} of a contact; {suggest_name(word, known)}")
        if self.at is not None and self.at > now + CLOCK_TOLERANCE:
            raise UsageError("A contact cannot be in the future: enter when it happened, or add a task for it.")
        return self


def add_entry(session: Session, case: Case, event: CaseEvent, details: ContactDetails, note: str | None) -> None:
    """Write the entry of the log for a recorded contact; a contact of the account is named by its name."""
    known = {row.contact_id: row for row in contacts_of(session, case.account_id)}
    by_name = {row.name.casefold(): row for row in known.values() if row.name}
    text = details.person.strip()[:LONGEST_NAME]
    contact = known.get(text) or by_name.get(text.casefold())
    session.flush()
    session.add(
        ContactEntry(
            case_id=case.id,
            event_id=event.id,
            at=details.at or event.at,
            person=(contact.name if contact and contact.name else text) or None,
            contact_id=contact.contact_id if contact else None,
            channel=details.channel,
            direction=details.direction,
            result=details.result,
            note=note,
            recorded_at=event.at,
            recorded_by=event.actor,
        )
    )


def withdraw_entry(session: Session, event_id: int, now: datetime) -> None:
    """The contact of this entry of the record was undone: it counts no more."""
    for row in session.scalars(select(ContactEntry).where(ContactEntry.event_id == event_id)):
        row.withdrawn_at = now
