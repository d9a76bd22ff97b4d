"""Signals of monitoring systems, the incidents that they add up to, and who may run the timers.

``signals`` and ``signal_matches`` are deleted after some days (the setting ``signals.keep_days``); what an incident
needs later is in its own rows. ``incident_events`` is append-only, which triggers of the database enforce.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from serving.store.base import Base


class SignalRow(Base):
    """One signal: something that a monitoring system or a product reported, at a time, about nobody or an account.

    ``pending`` until the incidents of the policy have seen it.
    """

    __tablename__ = "signals"
    __table_args__ = (
        Index(
            "ix_signals_pending",
            "signal_id",
            sqlite_where=text("pending"),
            postgresql_where=text("pending"),
        ),
        Index(None, "received_at"),
        Index(None, "occurred_at"),
    )

    signal_id: Mapped[str] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    sender: Mapped[str] = mapped_column(doc="the token of the API, the adapter, or the file")
    source: Mapped[str]
    kind: Mapped[str]
    product: Mapped[str | None]
    service: Mapped[str | None]
    environment: Mapped[str | None]
    severity: Mapped[str | None]
    status: Mapped[str | None]
    code: Mapped[str | None]
    fingerprint: Mapped[str | None]
    account_id: Mapped[str | None]
    user_id: Mapped[str | None]
    region: Mapped[str | None]
    message: Mapped[str | None] = mapped_column(Text)
    value: Mapped[float | None]
    pending: Mapped[bool] = mapped_column(Boolean)


class SignalMatch(Base):
    """A signal that met the condition of ``[incidents.NAME]`` when it arrived: what the windows are counted in."""

    __tablename__ = "signal_matches"
    __table_args__ = (Index(None, "occurred_at"), {"sqlite_with_rowid": False})

    incident_name: Mapped[str] = mapped_column(primary_key=True)
    group_key: Mapped[str] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    signal_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str | None]
    user_id: Mapped[str | None]
    counted: Mapped[str | None] = mapped_column(doc="the value that is counted, where different values are")


class Incident(Base):
    """One incident: from its first signal to the quiet after its last one, or to somebody's resolution.

    A group of signals has at most one open incident: a unique index enforces it. ``state`` is ``open``, ``over`` (no
    signal for ``quiet_minutes``) or ``resolved``. ``group_key`` is the canonical JSON of ``grouping``: the fields of
    ``by`` with their values. ``path_step`` and the fields after it are the state of its escalation path. ``users`` and
    ``accounts`` are how many different ones its signals name; ``users_total`` and ``accounts_total`` what they are
    shares of, where that is known.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint("state in ('open', 'over', 'resolved')", name="state"),
        Index(
            "uq_incidents_open",
            "name",
            "group_key",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(None, "name", "group_key", "last_signal_at"),
        Index(None, "state", "started_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    title: Mapped[str] = mapped_column(Text)
    grouping: Mapped[dict[str, Any]]
    group_key: Mapped[str]
    squad: Mapped[str]
    severity: Mapped[str]
    path: Mapped[str | None]
    state: Mapped[str]
    started_at: Mapped[datetime]
    last_signal_at: Mapped[datetime]
    quiet_minutes: Mapped[float]
    detected_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    respond_by: Mapped[datetime | None]
    resolve_by: Mapped[datetime | None]
    respond_breached_at: Mapped[datetime | None]
    resolve_breached_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    responsible: Mapped[str | None]
    path_step: Mapped[int]
    path_since: Mapped[datetime]
    path_repeats: Mapped[int]
    path_due: Mapped[datetime | None]
    reached: Mapped[list[str]]
    signals: Mapped[int]
    users: Mapped[int]
    users_total: Mapped[int | None]
    accounts: Mapped[int]
    accounts_total: Mapped[int | None]
    reopened: Mapped[int]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        "version_id_col": version,
        "version_id_generator": False,  # raised by serving.incidents.incident_record
    }


class IncidentAccount(Base):
    """An account that the signals of an incident name; it need not be one of the newest night."""

    __tablename__ = "incident_accounts"
    __table_args__ = (Index(None, "account_id"),)

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    signals: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class IncidentEvent(Base):
    """One event of an incident: who, when, what, and the fields before and after. Append-only."""

    __tablename__ = "incident_events"
    __table_args__ = (Index(None, "incident_id", "id"), Index(None, "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"))
    at: Mapped[datetime]
    actor: Mapped[str]
    kind: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    comment: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(doc="the incident's version after it")
    incident: Mapped[Incident] = relationship()


class LeaseRow(Base):
    """Who acts now where only one process may: a holder, until when, and an epoch that each new holder raises."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    epoch: Mapped[int]
    taken_at: Mapped[datetime]
    lease_until: Mapped[datetime]
