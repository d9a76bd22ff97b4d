"""What the queue remembers, table by table.

Four kinds of rows live here, and they may be changed differently:

- *what a night found* (nights, scores, accounts, waiting, set_aside, held_out, streaks): written once, by the night's
  one transaction;
- *what people work on* (cases): changed by the use cases of ``serving.cases.cases``, a version at a time;
- *what is on record* (case_events, handoffs): append-only, and the database itself refuses to change them;
- *what leaves and comes back* (outbox, health_adjustments): in ``serving.store.exchange``.

Cases and messages have ids that are computed from what they are about, so a night that crashed and ran again makes the
same ids, and a case cannot be found by counting.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Computed, ForeignKey, Index, Text, UniqueConstraint, column, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from serving.store.base import Base


class NightRow(Base):
    """One night: who runs it (a lease with an epoch), whether it is recorded, and what was recorded."""

    __tablename__ = "nights"
    __table_args__ = (CheckConstraint("status in ('running', 'failed', 'recorded')", name="status"),)

    as_of: Mapped[date] = mapped_column(primary_key=True)
    run_id: Mapped[str]
    epoch: Mapped[int]
    status: Mapped[str]
    lease_until: Mapped[datetime]
    started_at: Mapped[datetime]
    recorded_at: Mapped[datetime | None]
    content_hash: Mapped[str | None]
    report: Mapped[dict[str, Any] | None]
    failure: Mapped[str | None] = mapped_column(Text)


class Score(Base):
    """One account's risk on one night.

    Ordered by night first, so that a night is appended and not scattered; the history of one account is a lookup per
    night (``queries.score_history``) and needs no second index on the largest table.
    """

    __tablename__ = "scores"
    __table_args__ = ({"sqlite_with_rowid": False},)

    as_of: Mapped[date] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    probability: Mapped[float]
    rank_score: Mapped[float]
    model_version: Mapped[str]
    quality: Mapped[str | None] = mapped_column(Text, doc="warnings, one a line; null where there are none")


class Account(Base):
    """The newest snapshot of an account, for lists, filters and search."""

    __tablename__ = "accounts"
    __table_args__ = (Index(None, "search"),)

    account_id: Mapped[str] = mapped_column(primary_key=True)
    parent_id: Mapped[str | None]
    name: Mapped[str | None]
    segment: Mapped[str | None]
    industry: Mapped[str | None]
    region: Mapped[str | None]
    owner: Mapped[str | None]
    arr: Mapped[float | None]
    renews_on: Mapped[date | None]
    seen_on: Mapped[date]
    search: Mapped[str] = mapped_column(doc="name and id, case-folded")


class Squad(Base):
    """A team that works cases; kept when the policy drops it, because closed cases still name it."""

    __tablename__ = "squads"

    name: Mapped[str] = mapped_column(primary_key=True)
    active: Mapped[bool]


class Member(Base):
    """A person's place in a squad; the first three positions are its primary, secondary and tertiary owner."""

    __tablename__ = "members"

    squad: Mapped[str] = mapped_column(ForeignKey("squads.name"), primary_key=True)
    person: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]


CHOSEN_BY = ("squad", "state", "risk", "owner", "account_id")
"""What a list of cases is chosen by: in the index by which it is ordered, cases that are not shown are not read."""


def _probability(risk: str) -> Computed:
    """The probability of one risk as the database keeps it beside the others: 0 where it was not scored."""
    return Computed(func.coalesce(column("probabilities", JSON)[risk].as_float(), 0.0))


class Case(Base):
    """One account's rescue for one family of risks, from the night that opened it to its outcome.

    An account has at most one open case a family; the database itself says so.
    ``respond_by`` and ``resolve_by`` are the running clocks. ``ladder`` is who is responsible first, second and third;
    the case goes up a ``rung`` when ``hand_on_hours`` pass without contact. ``version`` rises with every change.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "uq_cases_open",
            "account_id",
            "family",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(None, "squad", "priority"),
        Index(None, "closed_at", "priority"),
        Index(
            "ix_cases_list",  # all that the list is chosen, counted and sorted by
            *("closed_at", "squad", "state", "account_id", "owner", "risk"),
            *("at_stake", "respond_by", "resolve_by", "priority", "id"),
        ),
        Index("ix_cases_by_churn", "closed_at", "churn", "priority", "id", *CHOSEN_BY),
        Index("ix_cases_by_escalation", "closed_at", "escalation", "priority", "id", *CHOSEN_BY),
        Index(None, "account_id", "squad"),
        Index(None, "owner", "closed_at", "priority"),
        Index(None, "closed_at", "respond_by"),
        Index(None, "closed_at", "resolve_by"),
        Index(None, "opened_at", "squad"),
        Index(None, "risk", "opened_on", "state", "squad"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.account_id"))
    risk: Mapped[str]
    family: Mapped[str]
    squad: Mapped[str] = mapped_column(ForeignKey("squads.name"))
    state: Mapped[str]
    owner: Mapped[str | None]
    priority: Mapped[float]
    rank: Mapped[int]
    at_stake: Mapped[float]
    severity: Mapped[str]
    probability: Mapped[float] = mapped_column(doc="of the case's own risk, when it was last raised")
    probabilities: Mapped[dict[str, float]]
    churn: Mapped[float | None] = mapped_column(_probability("churn"), deferred=True)
    escalation: Mapped[float | None] = mapped_column(_probability("escalation"), deferred=True)
    triggers: Mapped[list[str]]
    headline: Mapped[str] = mapped_column(Text)
    routed: Mapped[str] = mapped_column(Text)
    opened_on: Mapped[date]
    raised_on: Mapped[date]
    raises: Mapped[int]
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    ladder: Mapped[list[str]]
    rung: Mapped[int]
    hand_on_hours: Mapped[list[float]]
    respond_hours: Mapped[float]
    resolve_hours: Mapped[float]
    respond_by: Mapped[datetime | None]
    resolve_by: Mapped[datetime | None]
    responded_at: Mapped[datetime | None]
    respond_breached_at: Mapped[datetime | None]
    resolve_breached_at: Mapped[datetime | None]
    snoozed_until: Mapped[date | None]
    snoozed_from: Mapped[str | None]
    version: Mapped[int] = mapped_column()

    @property
    def responsible(self) -> str | None:
        """Who has to act now: the owner, or whom the ladder names while nobody has claimed it."""
        return self.owner or (self.ladder[self.rung] if self.ladder else None)

    __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        "version_id_col": version,
        "version_id_generator": False,  # raised by serving.cases.audit, so that it counts recorded changes
        "eager_defaults": False,  # what the database computes for its lists is never read back
    }


class CaseEvent(Base):
    """One thing that happened to a case: who, when, what, and the fields before and after. Never changed."""

    __tablename__ = "case_events"
    __table_args__ = (Index(None, "case_id", "id"), Index(None, "at"), Index(None, "kind", "at", "case_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    at: Mapped[datetime]
    actor: Mapped[str]
    kind: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    comment: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(doc="the case's version after it")
    undoes: Mapped[int | None] = mapped_column(ForeignKey("case_events.id"))
    case: Mapped[Case] = relationship()


class FrozenHandoff(Base):
    """The hand-off package of one raise of a case, exactly as it was built that night. Never changed."""

    __tablename__ = "handoffs"
    __table_args__ = (UniqueConstraint("case_id", "as_of"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    as_of: Mapped[date]
    schema_version: Mapped[str]
    content: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str]
    case: Mapped[Case] = relationship()


class Waiting(Base):
    """An account that deserved a place in a squad's night and did not fit, with its rank."""

    __tablename__ = "waiting"

    as_of: Mapped[date] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    squad: Mapped[str]
    rank: Mapped[int]
    priority: Mapped[float]
    at_stake: Mapped[float]
    probability: Mapped[float]


class SetAside(Base):
    """An account noticed that got no case (``suppressed``) or was spared the hold-out (``exempted``), and why."""

    __tablename__ = "set_aside"
    __table_args__ = (CheckConstraint("kind in ('suppressed', 'exempted')", name="kind"),)

    as_of: Mapped[date] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)


class HeldOutRow(Base):
    """An account kept from the team on a night on which it would have been raised; ``unit`` is what was drawn."""

    __tablename__ = "held_out"

    as_of: Mapped[date] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]
    stratum: Mapped[str]
    probability: Mapped[float]
    priority: Mapped[float]


class StreakRow(Base):
    """Hysteresis between nights: how many nights in a row an account's risk was above or below its thresholds."""

    __tablename__ = "streaks"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    above: Mapped[int]
    below: Mapped[int]
    inside: Mapped[bool]
