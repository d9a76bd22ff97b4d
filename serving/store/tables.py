"""The tables of the queue.

There are four kinds of tables, and each kind is changed in its own way:

- *results of a night* (nights, scores, accounts, waiting, set_aside, held_out, streaks): written once, in the night's
  one transaction;
- *cases* (cases, case_scores): changed by the use cases of ``serving.cases.cases``, a version at a time;
- *records* (case_events, handoffs): append-only, which triggers of the database enforce;
- *messages and health adjustments* (outbox, health_adjustments): in ``serving.store.exchange``.

The id of a case or a message is computed from its subject. A night that crashed and runs again makes the same ids, and
the id of a case cannot be guessed by counting.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, attribute_keyed_dict, mapped_column, relationship

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

    The key begins with the night, so that a night's rows are appended in one place; the history of one account is one
    lookup for each night (``night_queries.score_history``) and needs no second index on the largest table.
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
    """A team that works cases; it stays, inactive, when the policy no longer has it, because closed cases name it."""

    __tablename__ = "squads"

    name: Mapped[str] = mapped_column(primary_key=True)
    active: Mapped[bool]


class Member(Base):
    """A person's place in a squad; the first three positions are its primary, secondary and tertiary owner."""

    __tablename__ = "members"

    squad: Mapped[str] = mapped_column(ForeignKey("squads.name"), primary_key=True)
    person: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]


class Case(Base):
    """One account's rescue for one family of risks, from the night that opened it to its outcome.

    An account has at most one open case of a family: a unique index enforces it. ``respond_by`` and ``resolve_by`` are
    the deadlines of the SLA timers that run. ``escalation_path`` are the people responsible at tier 0, 1 and 2; the
    ``tier`` rises when ``escalate_after_hours[tier]`` have passed without contact. ``version`` rises with every change.
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
            "ix_cases_list",  # every column by which the list is filtered, counted and sorted
            *("closed_at", "squad", "state", "account_id", "owner", "risk"),
            *("at_stake", "respond_by", "resolve_by", "priority", "id"),
        ),
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
    triggers: Mapped[list[str]]
    headline: Mapped[str] = mapped_column(Text)
    opened_on: Mapped[date]
    raised_on: Mapped[date]
    raises: Mapped[int]
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    escalation_path: Mapped[list[str]]
    tier: Mapped[int]
    escalate_after_hours: Mapped[list[float]]
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

    scores: Mapped[dict[str, "CaseScore"]] = relationship(
        collection_class=attribute_keyed_dict("risk"),
        cascade="all, delete-orphan",
        order_by="CaseScore.risk",
        lazy="selectin",
    )

    @property
    def probabilities(self) -> dict[str, float]:
        """The probability by risk when the case was last raised, for every risk that was scored then."""
        return {risk: score.probability for risk, score in self.scores.items()}

    def set_scores(self, probabilities: Mapping[str, float]) -> None:
        """Replace the scores by those of a raise, whose priority and closing date are already set."""
        for risk in self.scores.keys() - probabilities.keys():
            del self.scores[risk]
        for risk, probability in probabilities.items():
            score = self.scores.setdefault(risk, CaseScore(risk=risk))
            score.probability, score.priority, score.is_open = probability, self.priority, self.closed_at is None

    @property
    def responsible(self) -> str | None:
        """Who has to act now: the owner, or the person of the present tier while nobody has claimed the case."""
        return self.owner or (self.escalation_path[self.tier] if self.escalation_path else None)

    __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        "version_id_col": version,
        "version_id_generator": False,  # raised by serving.cases.audit, so that it counts recorded changes
    }


class CaseScore(Base):
    """The probability of one risk when the case was last raised; a risk that was not scored then has no row.

    ``priority`` and ``is_open`` repeat the case's own, so that one index holds the order of the list by any risk: the
    list then reads only its page, however many cases are closed. ``priority`` changes only together with the
    probabilities, and :func:`serving.cases.audit.record_change` keeps ``is_open`` equal to the case's.
    """

    __tablename__ = "case_scores"
    __table_args__ = (Index("ix_case_scores_list", "risk", "is_open", "probability", "priority", "case_id"),)

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    probability: Mapped[float]
    priority: Mapped[float]
    is_open: Mapped[bool]


class CaseEvent(Base):
    """One event of a case: who, when, what, and the fields before and after. Append-only."""

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
    """The hand-off package of one raise of a case, exactly as it was built that night. Append-only."""

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
    """An account that was flagged for a squad whose capacity was used up, with its rank."""

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


class StreakRow(Base):
    """Hysteresis between nights: how many nights in a row an account's risk was above or below its thresholds."""

    __tablename__ = "streaks"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    above: Mapped[int]
    below: Mapped[int]
    inside: Mapped[bool]
