"""The versions of the policy that nights have used, those that people have saved, and what replays said about them.

A version is a hash of the rules. The rules themselves are stored with the first night that uses them, so that a later
reader can see what a version was, what it was expected to change (its hypothesis), and replay it. A *saved* policy is
the whole text that a person saved, with author and reason; it is never changed, so the list is also the record.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from serving.store.base import Base


class PolicyVersionRow(Base):
    """A version of the policy, and the first and the newest night that used it."""

    __tablename__ = "policy_versions"

    version: Mapped[str] = mapped_column(primary_key=True)
    first_night: Mapped[date]
    last_night: Mapped[date]
    recorded_at: Mapped[datetime]
    hypothesis: Mapped[str | None] = mapped_column(Text)
    rules: Mapped[dict[str, Any] | None] = mapped_column(doc="null for a version from before rules were stored")


class PolicyReplayRow(Base):
    """The figures of the newest replay of a version over the same nights."""

    __tablename__ = "policy_replays"

    policy_version: Mapped[str] = mapped_column(primary_key=True)
    first: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[date] = mapped_column(primary_key=True)
    stored_at: Mapped[datetime]
    hypothesis: Mapped[str | None] = mapped_column(Text)
    figures: Mapped[dict[str, Any]]


class SavedPolicy(Base):
    """A policy that was saved: by a lead in the app, by a command, or by the night that took over the file.

    ``version`` is the hash of its rules. ``file_version`` is that of the policy file when the two last agreed: at first
    the file of the day on which it was saved. It is the only column that changes.
    """

    __tablename__ = "saved_policies"
    __table_args__ = (CheckConstraint("origin in ('file', 'app', 'import', 'rollback')", name="origin"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    author: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime]
    origin: Mapped[str]
    restores: Mapped[int | None] = mapped_column(doc="the version that a rollback restored")
    file_version: Mapped[str | None] = mapped_column(doc="of the file that this version includes; null without a file")


class ReplayJob(Base):
    """A comparison of a draft with the policy in force over past nights, which a process of its own computes.

    ``holder`` names that process (``serving.operations.holder``), and ``seen_at`` is its newest sign of life.
    """

    __tablename__ = "replay_jobs"
    __table_args__ = (
        CheckConstraint("status in ('waiting', 'running', 'done', 'failed')", name="status"),
        Index(None, "requested_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    requested_at: Mapped[datetime]
    requested_by: Mapped[str]
    draft: Mapped[str] = mapped_column(Text)
    draft_version: Mapped[str]
    current: Mapped[str] = mapped_column(Text, doc="the text of the policy in force when it was requested")
    current_version: Mapped[str]
    nights: Mapped[int]
    status: Mapped[str]
    nights_done: Mapped[int]
    step: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(doc="how often it was started")
    holder: Mapped[str | None]
    started_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]
    failure: Mapped[str | None] = mapped_column(Text)
