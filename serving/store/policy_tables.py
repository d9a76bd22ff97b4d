"""The versions of the policy that nights have used, and what a replay said about them.

A version is a hash of the rules. The rules themselves are stored with the first night that uses them, so that a later
reader can see what a version was, what it was expected to change (its hypothesis), and replay it.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Text
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
