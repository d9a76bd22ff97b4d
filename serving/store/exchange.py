"""Tables of messages to channels, and of health adjustments that later nights read as data."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from serving.store.base import Base
from serving.store.tables import Case


class Message(Base):
    """One message to one channel, written in the transaction of its cause.

    ``id`` is the id for the receiver, the same on every attempt. ``next_at`` is the earliest time of the next attempt;
    a sender moves it ahead before it sends, so that two senders do not take the same message.
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
