"""Tables of messages to channels, of records in other systems, and of health adjustments that nights read as data."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from serving.store.base import Base
from serving.store.tables import Case

DIGEST = "digest"
"""The kind of the message that is a person's morning digest."""


class Message(Base):
    """One message to one channel, written in the transaction of its cause.

    ``id`` is the id for the receiver, the same on every attempt. ``next_at`` is the earliest time of the next attempt;
    a sender moves it ahead before it sends, so that two senders do not take the same message. One that was not needed
    any more is ``sent`` without ``sent_at``.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("status in ('pending', 'sent', 'dead')", name="status"),
        Index(None, "status", "next_at"),
        Index(None, "batch"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    kind: Mapped[str]
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"))
    incident_id: Mapped[str | None]
    person: Mapped[str | None] = mapped_column(doc="who it is for, by name; null for the channel's own receivers")
    recipient: Mapped[str | None] = mapped_column(doc="the person's address on the channel; null where it has none")
    batch: Mapped[str | None] = mapped_column(doc="messages of one batch are sent as one, when the first is due")
    payload: Mapped[dict[str, Any]]
    status: Mapped[str]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    next_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    case: Mapped[Case | None] = relationship()


class ExternalRecordRow(Base):
    """The record that a channel keeps of a case or an incident in another system, such as a ticket.

    ``written`` is the state that was written last and ``read`` the state that was read last: what differs from both
    was changed there. ``entry`` is the newest entry of the case's history that the record has. A sender holds the
    record until ``busy_until``, so that two senders do not create it twice. ``problem`` says, in a sentence, what was
    changed there and could not be changed here.
    """

    __tablename__ = "external_records"
    __table_args__ = (
        CheckConstraint("(case_id is null) <> (incident_id is null)", name="subject"),
        UniqueConstraint("channel", "case_id"),
        UniqueConstraint("channel", "incident_id"),
        Index(None, "case_id"),
        Index(None, "channel", "read_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"))
    incident_id: Mapped[str | None]
    external_id: Mapped[str | None] = mapped_column(doc="null until it is created")
    url: Mapped[str | None] = mapped_column(Text)
    written: Mapped[dict[str, Any]] = mapped_column(default=dict)
    read: Mapped[dict[str, Any]] = mapped_column(default=dict)
    entry: Mapped[int | None]
    problem: Mapped[str | None] = mapped_column(Text)
    busy_until: Mapped[datetime | None]
    written_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None] = mapped_column(doc="since when it is not there any more: it was deleted there")
    case: Mapped[Case | None] = relationship()


class HealthAdjustment(Base):
    """The effect of a verdict on an account's health: points that halve every ``half_life`` days.

    ``withdrawn_at`` is set when the verdict is undone; the row stays, because earlier adjusted scores depend on it.
    """

    __tablename__ = "health_adjustments"
    __table_args__ = (Index(None, "account_id", "decided_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    account_id: Mapped[str]
    risk: Mapped[str]
    verdict: Mapped[str]
    points: Mapped[float]
    cap: Mapped[float]
    half_life: Mapped[float]
    author: Mapped[str]
    decided_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    case: Mapped[Case] = relationship()


class MessagePreference(Base):
    """What a person chose about messages; null and a missing row mean what the policy says."""

    __tablename__ = "message_preferences"

    person: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bool] = mapped_column(doc="whether the person gets a digest")
    at: Mapped[str | None] = mapped_column(doc="local time of the digest, such as 08:00")
    weekdays: Mapped[list[str] | None] = mapped_column(doc="days of the digest, such as mon")
    channel: Mapped[str | None] = mapped_column(doc="for messages that name no channel")
    immediate: Mapped[list[str] | None] = mapped_column(doc="kinds of messages that do not wait for the digest")
    updated_at: Mapped[datetime]


class DigestRow(Base):
    """The digest of a person and a day: written once, with its message in the outbox, whether it was sent or not.

    ``message_id`` is null where there was nothing to report. ``seen_until`` is the end of the time that it covers.
    """

    __tablename__ = "digests"

    person: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    composed_at: Mapped[datetime]
    seen_until: Mapped[datetime]
    channel: Mapped[str | None]
    message_id: Mapped[str | None]
    items: Mapped[int]
