"""What a night's decision leaves beside its cases: waiting, set aside, held out, enrolled; the hysteresis.

Written once, in the night's one transaction; only the reports of the monitor are written by another command.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from serving.store.base import Base


class Waiting(Base):
    """An account that was flagged for a squad whose capacity was used up, with its rank."""

    __tablename__ = "waiting"

    as_of: Mapped[date] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    squad: Mapped[str]
    rank: Mapped[int]
    priority: Mapped[float]
    at_stake: Mapped[float | None]
    probability: Mapped[float | None]


class SetAside(Base):
    """A candidate that got no case (``suppressed``) or was exempted from the hold-out (``exempted``), and why."""

    __tablename__ = "set_aside"
    __table_args__ = (CheckConstraint("kind in ('suppressed', 'exempted')", name="kind"),)

    as_of: Mapped[date] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text, doc="the code's sentence with its parameters, as of that night")


class HeldOutRow(Base):
    """An account that was held out on a night on which it would have been flagged; ``unit`` is what was drawn."""

    __tablename__ = "held_out"

    as_of: Mapped[date] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]
    stratum: Mapped[str]
    probability: Mapped[float]
    priority: Mapped[float]


class HoldoutUnitRow(Base):
    """The unit in which an account is drawn for the hold-out, as first known: a merger changes its group, not this."""

    __tablename__ = "holdout_units"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]
    stratum: Mapped[str]


class EnrolmentRow(Base):
    """A unit on the first night on which it was selected to be worked or held out: what the effect is measured on.

    ``share`` is the probability of being held out; null for a unit that was worked or held out before enrolments were
    recorded: its salt is empty, and it never counts.
    """

    __tablename__ = "enrolments"
    __table_args__ = (Index(None, "risk", "as_of"),)

    salt: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[date]
    risk: Mapped[str]
    account_id: Mapped[str]
    stratum: Mapped[str]
    share: Mapped[float | None]
    held_out: Mapped[bool]
    probability: Mapped[float | None]
    revenue: Mapped[float | None]
    expected_value: Mapped[float | None]


class MonitorRow(Base):
    """The newest report of ``rescue monitor`` for a day, which the overview shows."""

    __tablename__ = "monitor_reports"

    as_of: Mapped[date] = mapped_column(primary_key=True)
    stored_at: Mapped[datetime]
    report: Mapped[dict[str, Any]]


class StreakRow(Base):
    """Hysteresis between nights: how many nights in a row an account's risk was above or below its thresholds."""

    __tablename__ = "streaks"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    above: Mapped[int]
    below: Mapped[int]
    inside: Mapped[bool]
