"""Tables of the work on a case: its tasks, contacts at the customer, the contact log, mentions, attachments.

Tasks, entries of the contact log, mentions and attachments change apart from their case: a colleague who ticks a task
must not make an open page stale. So each has a version or an end of its own, and the record of the case
(``case_events``) has a remark about every change. Contacts are personal data from the source: each night replaces
them, and ``rescue erase`` deletes them.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from serving.store.base import Base
from serving.store.tables import Case, CaseEvent

TASK_STATES = ("open", "done", "skipped", "withdrawn")
CHANNELS = ("call", "meeting", "mail", "chat", "other")
DIRECTIONS = ("outbound", "inbound")
RESULTS = ("reached", "message_left", "not_reached")


class TaskRow(Base):
    """One task of a case: of a playbook of the policy, or added by a person.

    ``state`` is ``open``, ``done``, ``skipped`` (with a ``reason``) or ``withdrawn`` (the case got another playbook).
    ``owner`` is a person; where it is null, whoever is responsible for the case has to do it, or ``role`` names who
    does outside the team. ``playbook`` and ``step`` (from 1) say where it comes from; null for a task of a person.
    """

    __tablename__ = "case_tasks"
    __table_args__ = (
        CheckConstraint(f"state in {TASK_STATES!r}", name="state"),
        Index(None, "case_id", "position"),
        Index(None, "state", "due_on", "case_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date | None]
    owner: Mapped[str | None]
    role: Mapped[str | None]
    playbook: Mapped[str | None]
    step: Mapped[int | None]
    state: Mapped[str]
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    version: Mapped[int]

    case: Mapped[Case] = relationship()


class AccountContact(Base):
    """A person at the customer, as of the newest night; personal data, which is in no log."""

    __tablename__ = "account_contacts"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    role: Mapped[str | None]
    mail: Mapped[str | None]
    phone: Mapped[str | None]


class ContactEntry(Base):
    """One contact with the customer, or an attempt: who spoke with whom, how, when, and what came of it.

    ``at`` is when it happened, ``recorded_at`` when it was entered. ``person`` is who was contacted at the customer,
    as text. ``withdrawn_at`` is set where the contact was undone.
    """

    __tablename__ = "contact_log"
    __table_args__ = (
        CheckConstraint(f"channel in {CHANNELS!r}", name="channel"),
        CheckConstraint(f"direction in {DIRECTIONS!r}", name="direction"),
        CheckConstraint(f"result in {RESULTS!r}", name="result"),
        Index(None, "case_id", "id"),
        Index(None, "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("case_events.id"))
    at: Mapped[datetime]
    person: Mapped[str | None]
    contact_id: Mapped[str | None]
    channel: Mapped[str]
    direction: Mapped[str]
    result: Mapped[str]
    note: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship()
    event: Mapped[CaseEvent | None] = relationship()


class MentionRow(Base):
    """Somebody was named with ``@`` in an entry of a case's record; ``read_at`` is null until they have read it."""

    __tablename__ = "mentions"
    __table_args__ = (Index(None, "person", "read_at"), Index(None, "case_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("case_events.id"))
    person: Mapped[str]
    at: Mapped[datetime]
    mentioned_by: Mapped[str]
    read_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship()
    event: Mapped[CaseEvent] = relationship()


class AttachmentRow(Base):
    """A file of a case; ``kind`` is its media type by its content. Its bytes are in ``attachment_contents``.

    The id is random, so that it cannot be guessed. Where it was removed, the bytes are gone and the row stays.
    """

    __tablename__ = "attachments"
    __table_args__ = (Index(None, "case_id", "added_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    name: Mapped[str]
    kind: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    added_at: Mapped[datetime]
    added_by: Mapped[str]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None]

    case: Mapped[Case] = relationship()


class AttachmentContent(Base):
    """The bytes of an attachment, apart from its row, so that lists of attachments do not read them."""

    __tablename__ = "attachment_contents"

    attachment_id: Mapped[str] = mapped_column(ForeignKey("attachments.id"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)

    attachment: Mapped[AttachmentRow] = relationship()
