"""What a night's decision leaves beside its cases: who waits, who was set aside or held out, and the hysteresis.

Written once, in the night's one transaction.
"""

from datetime import date

from sqlalchemy import CheckConstraint, Text
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


class StreakRow(Base):
    """Hysteresis between nights: how many nights in a row an account's risk was above or below its thresholds."""

    __tablename__ = "streaks"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    above: Mapped[int]
    below: Mapped[int]
    inside: Mapped[bool]
