"""Absences of people, and the hand-overs of cases with what was filled in.

An absence is never deleted: it is withdrawn by somebody at some time, so that the reason why a person was skipped can
be read later. A hand-over has one row from the moment it is sent until it is accepted or returned.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from serving.store.base import Base


class AbsenceRow(Base):
    """A person is away from ``starts_at`` until just before ``ends_at`` (UTC), unless the entry was withdrawn.

    ``source`` is ``app``, ``command`` or ``calendar``.
    """

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="span"),
        Index(None, "person", "ends_at"),
        Index(None, "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    source: Mapped[str]
    entered_at: Mapped[datetime]
    entered_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]


class AbsenceCalendarRow(Base):
    """The newest attempt to read a person's calendar of absences; ``failure`` is a sentence where it failed."""

    __tablename__ = "absence_calendars"

    person: Mapped[str] = mapped_column(primary_key=True)
    tried_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    events: Mapped[int]
    failure: Mapped[str | None] = mapped_column(Text)


class HandOverRow(Base):
    """A case that changes hands with a form, from sending to the answer.

    ``status`` is ``pending``, ``accepted`` or ``returned``, and ``withdrawn`` where the case was closed or moved
    before anybody answered. ``answers`` are label, kind and value by field, in their order; ``asked``
    of them were asked and ``filled`` have a value. ``from_owner`` gets a returned case back. Tiers count from 1.
    """

    __tablename__ = "hand_overs"
    __table_args__ = (
        CheckConstraint("status in ('pending', 'accepted', 'returned', 'withdrawn')", name="status"),
        Index(None, "case_id", "id"),
        Index(None, "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    at: Mapped[datetime]
    actor: Mapped[str]
    from_squad: Mapped[str]
    from_owner: Mapped[str | None]
    from_tier: Mapped[int]
    to_squad: Mapped[str]
    to_tier: Mapped[int]
    form: Mapped[str]
    answers: Mapped[dict[str, Any]]
    asked: Mapped[int]
    filled: Mapped[int]
    status: Mapped[str]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]
    reason: Mapped[str | None] = mapped_column(Text)
