"""What leaves the queue and what comes back into the data: messages and health adjustments."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from serving.store.base import Base
from serving.store.tables import Case


class Message(Base):
    """One message to one channel, written in the transaction of what it tells about.

    ``id`` is what the receiver sees, on every attempt the same; ``next_at`` is when it may be tried (again), and a
    sender moves it ahead before it sends, so that two senders do not take the same message.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("status in ('pending', 'sent', 'dead')", name="status"),
        Index(None, "status", "next_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    kind: Mapped[str]
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"))
    payload: Mapped[dict[str, Any]]
    status: Mapped[str]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    next_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    case: Mapped[Case | None] = relationship()


class HealthAdjustment(Base):
    """What a verdict says about an account's health: points that fade by half every ``half_life`` days.

    ``withdrawn_at`` is set when the verdict is undone; the row stays, so that yesterday's adjusted health can still be
    explained.
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
