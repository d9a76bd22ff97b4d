"""The tables of the queue.

There are four kinds of tables, and each kind is changed in its own way:

- *results of a night* (nights, scores, accounts, waiting, set_aside, held_out, holdout_units, streaks): written once,
  in the night's one transaction;
- *cases* (cases, case_scores, case_alarms): changed by the use cases of ``serving.cases.cases``, a version at a time;
  the live figures of an open case are replaced by each night and have no version;
- *records* (case_events, handoffs): append-only, which triggers of the database enforce;
- *messages and health adjustments* (outbox, health_adjustments): in ``serving.store.exchange``.

The id of a case or a message is computed from its subject. A night that crashed and runs again makes the same ids, and
the id of a case cannot be guessed by counting.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, attribute_keyed_dict, mapped_column, relationship

from serving.contracts import AlarmKind
from serving.store.base import Base
from serving.store.case_states import responsible_person


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
    holder: Mapped[str | None] = mapped_column(doc="the process that runs it: see serving.operations.holder")
    policy_version: Mapped[str | None] = mapped_column(doc="of the policy that decided it; null before it was recorded")


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


_LISTED = ("risk", "probability", "account_id")
HIGHEST = text("rank <= 5000")
"""Which newest scores are in an index: lists begin with them, and an index of all takes as long as the rows."""


class Account(Base):
    """The newest snapshot of an account, for lists, filters and search."""

    __tablename__ = "accounts"
    __table_args__ = (Index(None, "search"), Index(None, "name", "account_id"))

    account_id: Mapped[str] = mapped_column(primary_key=True)
    parent_id: Mapped[str | None]
    name: Mapped[str | None]
    segment: Mapped[str | None]
    industry: Mapped[str | None]
    region: Mapped[str | None]
    owner: Mapped[str | None]
    arr: Mapped[float | None]
    currency: Mapped[str | None]
    renews_on: Mapped[date | None] = mapped_column(doc="in the past: the renewal is overdue since that day")
    seen_on: Mapped[date] = mapped_column(doc="the day before the first night without it; until then date.max")
    search: Mapped[str] = mapped_column(doc="name and id, case-folded")
    fingerprint: Mapped[int | None] = mapped_column(
        BigInteger, doc="of what the newest night read, so that an unchanged row is not written again; null: write it"
    )


class AccountRisk(Base):
    """The newest score of an account for one risk: its rank among all accounts, and its curve by horizon.

    Replaced by every night, so that lists read no history. ``curve`` has ``[days, probability, lead]``, shortest first;
    null where the model has none.
    """

    __tablename__ = "account_risks"
    __table_args__ = (Index("ix_account_risks_highest", *_LISTED, sqlite_where=HIGHEST, postgresql_where=HIGHEST),)

    account_id: Mapped[str] = mapped_column(primary_key=True)
    risk: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[date]
    probability: Mapped[float]
    rank: Mapped[int] = mapped_column(doc="1 is the highest probability of the night")
    curve: Mapped[str | None] = mapped_column(Text, doc="JSON")


class Squad(Base):
    """A team that works cases; it stays, inactive, when the policy no longer has it, because closed cases name it."""

    __tablename__ = "squads"

    name: Mapped[str] = mapped_column(primary_key=True)
    active: Mapped[bool]
    calendar: Mapped[dict[str, Any] | None] = mapped_column(doc="its working time; null where it is not given")


class Member(Base):
    """A person's place in a squad; the first three positions are its primary, secondary and tertiary owner."""

    __tablename__ = "members"

    squad: Mapped[str] = mapped_column(ForeignKey("squads.name"), primary_key=True)
    person: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]


CASE_SEARCH = "substr(lower(headline || ' ' || coalesce(first_reason, '')), 1, 300)"
"""The text of a case that is searched; an index of PostgreSQL holds at most 2,700 bytes."""


class Case(Base):
    """One account's rescue for one family of risks, from the night that opened it to its outcome.

    An account has at most one open case of a family: a unique index enforces it. ``respond_by`` and ``resolve_by`` are
    the deadlines of the SLA timers that run. ``escalation_path`` are the people responsible at tier 0, 1 and 2; the
    ``tier`` rises when ``escalate_after[tier]`` has passed without contact, and each tier has its full time from
    ``tier_since`` on. Times are durations in words, such as "4 working hours". ``version`` rises with every change.

    ``probability``, ``severity``, ``at_stake`` and ``headline`` are those of the night that raised the case last, like
    its hand-off. The *live figures* are those of ``live_on``: ``priority``, which orders the queue, ``revenue``,
    ``contract_status``, ``ends_on``, ``first_reason`` and the scores. A change of them alone is no change of the case.

    ``resolved`` is the code of why the cause of an open case is gone, since ``resolved_on``; the night of ``closes_on``
    closes it. ``closure`` is the code of why a night closed it, and ``closure_on`` the day of that fact. ``settled_on``
    is when the contract of a lost case ended.
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
            *("closed_at", "squad", "lane", "state", "account_id", "owner", "risk"),
            *("revenue", "respond_by", "resolve_by", "ends_on", "priority", "id"),
        ),
        Index(None, "closed_at", "lane", "priority"),
        Index(None, "account_id", "squad"),
        Index(None, "owner", "closed_at", "priority"),
        Index(None, "closed_at", "respond_by"),
        Index(None, "closed_at", "resolve_by"),
        Index(None, "closed_at", "path_due"),
        Index(None, "opened_at", "squad"),
        Index("ix_cases_search", "closed_at", "squad", "lane", "state", "account_id", "id", "search"),
        Index(None, "risk", "opened_on", "state", "squad"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.account_id"))
    risk: Mapped[str]
    family: Mapped[str]
    squad: Mapped[str] = mapped_column(ForeignKey("squads.name"))
    state: Mapped[str]
    owner: Mapped[str | None]
    lane: Mapped[str]
    priority: Mapped[float]
    rank: Mapped[int]
    at_stake: Mapped[float | None] = mapped_column(doc="the revenue that is lost without a rescue; null where unknown")
    estimated_revenue: Mapped[float | None] = mapped_column(doc="what the priority used where the revenue is unknown")
    severity: Mapped[str]
    probability: Mapped[float | None] = mapped_column(doc="of the case's own risk; null for the end of a contract")
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
    escalate_after: Mapped[list[str]]
    respond_within: Mapped[str]
    resolve_within: Mapped[str]
    respond_by: Mapped[datetime | None]
    resolve_by: Mapped[datetime | None]
    responded_at: Mapped[datetime | None]
    respond_breached_at: Mapped[datetime | None]
    resolve_breached_at: Mapped[datetime | None]
    snoozed_until: Mapped[date | None]
    snoozed_from: Mapped[str | None]
    tier_since: Mapped[datetime]
    renews_on: Mapped[date | None] = mapped_column(doc="the renewal date when the case was last raised")
    loss_share: Mapped[float | None] = mapped_column(doc="of a partial loss: its share of the account's revenue")
    group_members: Mapped[list[str]] = mapped_column(doc="the other accounts of the group that the case covers")
    live_on: Mapped[date]
    revenue: Mapped[float | None]
    contract_status: Mapped[str | None]
    ends_on: Mapped[date | None]
    first_reason: Mapped[str | None] = mapped_column(Text, doc="null where the hand-off's is still the newest")
    resolved: Mapped[str | None]
    resolved_on: Mapped[date | None]
    closes_on: Mapped[date | None]
    closure: Mapped[str | None]
    closure_on: Mapped[date | None]
    settled_on: Mapped[date | None]
    outcome_reason: Mapped[str | None] = mapped_column(doc="code of the policy for why it ended so")
    outcome_amount: Mapped[float | None] = mapped_column(doc="recurring revenue a year that was saved or lost")
    outcome_currency: Mapped[str | None]
    left_on: Mapped[date | None] = mapped_column(doc="the account left on that day, within 90 days after *saved*")
    policy_version: Mapped[str | None] = mapped_column(doc="of the policy that opened it")
    skill: Mapped[str | None] = mapped_column(doc="by which it was routed; null where nothing asked for one")
    path_step: Mapped[int] = mapped_column(default=0, doc="the newest step of the escalation path, from 0")
    path_repeats: Mapped[int] = mapped_column(default=0, doc="how often that step was sent again")
    path_due: Mapped[datetime | None] = mapped_column(doc="the path does nothing before; null where it is over")
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    reached: Mapped[list[str]] = mapped_column(default=list, doc="people and addresses that the path has reached")
    version: Mapped[int] = mapped_column()
    search: Mapped[str] = mapped_column(
        Text, Computed(CASE_SEARCH), deferred=True, doc="headline and first reason, in lower case; by the database"
    )

    scores: Mapped[dict[str, "CaseScore"]] = relationship(
        collection_class=attribute_keyed_dict("risk"),
        cascade="all, delete-orphan",
        order_by="CaseScore.risk",
        lazy="selectin",
    )
    alarms: Mapped[dict[str, "CaseAlarm"]] = relationship(
        collection_class=attribute_keyed_dict("alarm"),
        cascade="all, delete-orphan",
        order_by="CaseAlarm.alarm",
        lazy="selectin",
    )

    @property
    def probabilities(self) -> dict[str, float]:
        """The probability by risk on the night of the live figures, for every risk that was scored then."""
        return {risk: score.probability for risk, score in self.scores.items()}

    def set_scores(self, probabilities: Mapping[str, float]) -> None:
        """Replace the scores by those of a night, whose priority and closing date are already set."""
        for risk in self.scores.keys() - probabilities.keys():
            del self.scores[risk]
        for risk, probability in probabilities.items():
            score = self.scores.setdefault(risk, CaseScore(risk=risk))
            score.probability, score.priority, score.is_open = probability, self.priority, self.closed_at is None

    @property
    def responsible(self) -> str | None:
        """Who has to act now (:func:`serving.store.case_states.responsible_person`)."""
        return responsible_person(self.owner, self.escalation_path, self.tier, self.path_step, self.reached)

    @property
    def opened_by_person(self) -> bool:
        """Whether a person opened the case, and not a night."""
        return str(AlarmKind.PERSON) in self.alarms

    __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        "version_id_col": version,
        "version_id_generator": False,  # raised by serving.cases.audit, so that it counts recorded changes
    }


class CaseScore(Base):
    """The probability of one risk on the night of the live figures; a risk that was not scored then has no row.

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


class CaseAlarm(Base):
    """An alarm that a case contains, such as ``risk:churn`` or ``cancellation``, and the night that raised it."""

    __tablename__ = "case_alarms"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    alarm: Mapped[str] = mapped_column(primary_key=True)
    raised_on: Mapped[date]


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
