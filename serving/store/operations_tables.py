"""Tables of operation: every attempt of a night, people whose access was revoked, and the record of erasures."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from serving.store.base import Base

ATTEMPT_OUTCOMES = ("running", "recorded", "unchanged", "stopped", "failed", "interrupted")


class AttemptRow(Base):
    """One attempt to run a night, from its start on, also if it stops before the night exists.

    ``step`` is the step that runs, or ran last; ``holder`` names the process (``serving.operations.holder``).
    """

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint(f"outcome in {ATTEMPT_OUTCOMES!r}", name="outcome"),
        Index(None, "started_at"),
        Index(None, "as_of"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[date]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str]
    step: Mapped[str | None]
    reason: Mapped[str | None] = mapped_column(Text)
    holder: Mapped[str | None]


class RevokedPerson(Base):
    """A person who may not sign in, whoever has authenticated them, until they are restored."""

    __tablename__ = "revoked_people"

    person: Mapped[str] = mapped_column(primary_key=True)
    revoked_at: Mapped[datetime]


class ErasureRow(Base):
    """That an account was erased: when, by whom, and how many rows of each table were changed; none of its text."""

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    account_id: Mapped[str]
    changed: Mapped[dict[str, Any]]
