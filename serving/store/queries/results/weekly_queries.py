"""What the weekly report reads: money and flow by week, what was open at an instant, and what became of saved cases.

Money is that of the reporting view ``report_v1_outcomes``, so that the report, the overview and a BI tool agree; an
account that is saved again within 90 days counts with what is more. Weeks begin on Monday at midnight UTC. Money of
different currencies is never added.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Double, Integer, String, column, exists, func, or_, select, table
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import ColumnElement

from serving.contracts import Lane
from serving.night_report.monitor_report import MonitorReport
from serving.night_report.report_schema import NightReport
from serving.store.base import Instant
from serving.store.case_states import State
from serving.store.decision_tables import MonitorRow
from serving.store.tables import Account, Case, NightRow

Amounts = Mapping[str, float]
"""Amounts by currency; the empty code where the source gives none."""

OUTCOME_VIEW = table(
    "report_v1_outcomes",
    *(column(name, String) for name in ("case_id", "account_id", "squad", "outcome", "closed_by", "currency")),
    column("closed_at", Instant),
    *(column(name, Double) for name in ("revenue", "revenue_saved", "revenue_lost")),
    column("revenue_is_estimated", Integer),
)
COUNTED_REVENUE = OUTCOME_VIEW.c.revenue_saved + OUTCOME_VIEW.c.revenue_lost
"""The revenue that a case saved or lost, as it counts in every sum; unknown is null."""
RETURN_DAYS = 90
"""Days after a case was closed as saved in which the account may still leave."""


@dataclass(frozen=True)
class WeekFlow:
    """What happened in the week that begins on ``monday``; a case counts in the week of each event.

    ``contacted`` is the first contact with the customer. ``closed`` are all closed cases, the saved and lost included.
    """

    monday: date
    opened: int
    contacted: int
    closed: int
    saved: int
    lost: int
    money_saved: Amounts
    money_lost: Amounts


class CasesAtInstant(NamedTuple):
    """The cases that were open at an instant, their recurring revenue a year, and those that nobody had contacted.

    ``leaving`` of them are of customers who have cancelled; the others are at risk.
    """

    cases: int
    leaving: int
    revenue: Amounts
    not_contacted: int
    without_revenue: int


class SavedCohort(NamedTuple):
    """Cases closed as saved long enough ago to know whether the account left within 90 days, and how many did."""

    saved: int
    left: int
    accounts: tuple[tuple[str, str, date], ...]
    """Case, name and day of those that left."""


class SavedButGone(NamedTuple):
    """How many accounts that were saved are gone or leaving all the same, and the revenue that was saved of them."""

    accounts: int
    money: Amounts


def sole_currency(session: Session) -> str:
    """The currency of every account that has one; empty where there are several, or none.

    A customer whose contracts have ended has no currency in the source any more. Where all others have the same one,
    their money was in it, too.
    """
    found = session.scalars(select(Account.currency).where(Account.currency.is_not(None)).distinct().limit(2)).all()
    return str(found[0]) if len(found) == 1 else ""


def flow_by_week(session: Session, last: date, squads: frozenset[str] | None, weeks: int) -> list[WeekFlow]:
    """The weeks up to the one that ``last`` lies in, the oldest first."""
    monday = last - timedelta(days=last.weekday())
    first = monday - timedelta(weeks=weeks - 1)
    since, until = datetime.combine(first, time()), datetime.combine(monday, time()) + timedelta(weeks=1)
    opened = _by_week(session, Case.opened_at, since, until, squads)
    contacted = _by_week(session, Case.responded_at, since, until, squads)
    default = sole_currency(session)
    rows: dict[date, list[Any]] = defaultdict(list)
    for row in closed_cases(session, since, until, squads):
        rows[row.closed_at.date() - timedelta(days=row.closed_at.weekday())].append(row)
    return [
        WeekFlow(
            monday=week,
            opened=opened[week],
            contacted=contacted[week],
            **sum_outcomes(rows[week], default)._asdict(),
        )
        for week in (first + timedelta(weeks=number) for number in range(weeks))
    ]


class OutcomeSums(NamedTuple):
    """How many cases were closed, and how they ended; ``closed`` are all of them, the saved and lost included."""

    closed: int
    saved: int
    lost: int
    money_saved: Amounts
    money_lost: Amounts


def sum_outcomes(rows: Sequence[Any], default: str) -> OutcomeSums:
    """The sums of rows of the reporting view; ``default`` is the currency of money without one."""
    saved, lost = ([row for row in rows if row.outcome == state] for state in (State.SAVED, State.LOST))
    return OutcomeSums(
        len(rows),
        len(saved),
        len(lost),
        _sum_money((row.currency or default, row.revenue_saved) for row in saved),
        _sum_money((row.currency or default, row.revenue_lost) for row in lost),
    )


def _sum_money(amounts: Iterable[tuple[str, float | None]]) -> Amounts:
    """The sums by currency; amounts that are unknown are left out."""
    sums: dict[str, float] = {}
    for currency, amount in amounts:
        if amount is not None:
            sums[currency] = sums.get(currency, 0) + amount
    return sums


class LossReason(NamedTuple):
    """How many cases were lost for a reason (None: none was given), and their money.

    ``found_by_night`` is whether it is the code of a closure: a night found the loss, and nobody chose a reason.
    """

    reason: str | None
    cases: int
    money: Amounts
    found_by_night: bool = False


def counted_revenue(session: Session, cases: Iterable[str]) -> dict[str, float]:
    """The revenue that each of these closed cases saved or lost, as it counts in every sum, where it is known."""
    query = select(OUTCOME_VIEW.c.case_id, COUNTED_REVENUE).where(OUTCOME_VIEW.c.case_id.in_(list(cases)))
    return {case: value for case, value in session.execute(query) if value is not None}


def loss_reasons(session: Session, since: datetime, until: datetime, squads: frozenset[str] | None) -> list[LossReason]:
    """Why cases were lost in a span of time, the most frequent reason first."""
    rows = [row for row in closed_cases(session, since, until, squads) if row.outcome == State.LOST]
    query = select(Case.id, Case.outcome_reason, Case.closure).where(Case.closed_at >= since, Case.closed_at < until)
    reasons = {row.id: (row.outcome_reason or row.closure, not row.outcome_reason) for row in session.execute(query)}
    default = sole_currency(session)
    counts: Counter[tuple[str | None, bool]] = Counter()
    money: dict[tuple[str | None, bool], Counter[str]] = defaultdict(Counter)
    for row in rows:
        reason = reasons[row.case_id]
        counts[reason] += 1
        if row.revenue_lost is not None:
            money[reason][row.currency or default] += row.revenue_lost
    ordered = sorted(counts.items(), key=lambda item: (item[0][0] is None, -item[1], item[0][0] or "", item[0][1]))
    return [
        LossReason(key[0], count, dict(money[key]), found_by_night=key[1] and key[0] is not None)
        for key, count in ordered
    ]


def closed_cases(session: Session, since: datetime, until: datetime, squads: frozenset[str] | None) -> list[Any]:
    """The rows of the reporting view that were closed in a span of time."""
    view = OUTCOME_VIEW.c
    query = select(OUTCOME_VIEW).where(view.closed_at >= since, view.closed_at < until)
    if squads is not None:
        query = query.where(view.squad.in_(sorted(squads)))
    return list(session.execute(query.order_by(view.closed_at, view.case_id)))


def open_cases_at(session: Session, at: datetime, squads: frozenset[str] | None) -> CasesAtInstant:
    """What was open at an instant; a case counts with the revenue at stake, or the estimate where it is unknown."""
    revenue = func.coalesce(Case.at_stake, Case.estimated_revenue)
    query = (
        select(Account.currency, revenue, Case.responded_at, Case.lane)
        .join(Account, Account.account_id == Case.account_id)
        .where(Case.opened_at < at, or_(Case.closed_at.is_(None), Case.closed_at >= at))
    )
    if squads is not None:
        query = query.where(Case.squad.in_(sorted(squads)))
    default = sole_currency(session)
    money: Counter[str] = Counter()
    cases = leaving = waiting = unknown = 0
    for currency, amount, responded_at, lane in session.execute(query):
        cases += 1
        leaving += lane == Lane.LEAVING
        waiting += responded_at is None or responded_at >= at
        unknown += amount is None
        if amount is not None:
            money[currency or default] += amount
    return CasesAtInstant(cases, leaving, dict(money), waiting, unknown)


def night_report_at(session: Session, since: date, at: date) -> NightReport | None:
    """The report of the newest night of a span of days; None where no night was recorded in it."""
    query = select(NightRow.report).where(NightRow.status == "recorded", NightRow.as_of >= since, NightRow.as_of < at)
    report = session.scalar(query.order_by(NightRow.as_of.desc()).limit(1))
    return NightReport.from_json(report) if report else None


def monitor_report_before(session: Session, day: date) -> MonitorReport | None:
    """The newest report of the monitor of a day before this one; None where there is none."""
    query = select(MonitorRow.report).where(MonitorRow.as_of < day).order_by(MonitorRow.as_of.desc()).limit(1)
    report = session.scalar(query)
    return MonitorReport.from_json(report) if report else None


def saved_cohort(session: Session, since: date, until: date, squads: frozenset[str] | None) -> SavedCohort:
    """The cases whose 90 days after being saved ended in a span of days, and those of them whose account left."""
    days = timedelta(days=RETURN_DAYS)
    begin, end = (datetime.combine(day, time()) - days for day in (since, until))
    query = (
        select(Case.id, func.coalesce(Account.name, Account.account_id), Case.left_on)
        .join(Account, Account.account_id == Case.account_id)
        .where(Case.state == State.SAVED, Case.closed_at >= begin, Case.closed_at < end)
    )
    if squads is not None:
        query = query.where(Case.squad.in_(sorted(squads)))
    rows = session.execute(query.order_by(Case.left_on, Case.id)).tuples().all()
    left = tuple((case, name, day) for case, name, day in rows if day is not None and day < until)
    return SavedCohort(len(rows), len(left), left)


def saved_but_gone(
    session: Session, since: datetime, until: datetime, at: datetime, squads: frozenset[str] | None
) -> list[tuple[str, str]]:
    """Case and account of the cases saved in a span of time whose customer was gone at an instant all the same.

    A customer is gone who has left, or of whom a later case was closed as lost: a night finds the end of the contract
    only later.
    """
    later = aliased(Case)
    lost = exists().where(
        *(later.account_id == Case.account_id, later.state == State.LOST),
        *(later.closed_at > Case.closed_at, later.closed_at < at),
    )
    return _saved_cases(session, since, until, squads, or_(Case.left_on < at.date(), lost))


def saved_but_leaving(
    session: Session, since: datetime, until: datetime, at: datetime, squads: frozenset[str] | None
) -> list[tuple[str, str]]:
    """Case and account of the cases saved in a span of time whose customer was leaving at an instant all the same.

    A customer is leaving while a case in the lane *leaving* is open: a cancellation was never taken back, or is new.
    """
    leaving = aliased(Case)
    stands = exists().where(
        *(leaving.account_id == Case.account_id, leaving.lane == Lane.LEAVING, leaving.opened_at < at),
        or_(leaving.closed_at.is_(None), leaving.closed_at >= at),
    )
    return _saved_cases(session, since, until, squads, stands)


def _saved_cases(
    session: Session, since: datetime, until: datetime, squads: frozenset[str] | None, which: ColumnElement[bool]
) -> list[tuple[str, str]]:
    """Case and account of the cases saved in a span of time for which a condition holds."""
    query = (
        select(Case.id, func.coalesce(Account.name, Account.account_id))
        .join(Account, Account.account_id == Case.account_id)
        .where(Case.state == State.SAVED, Case.closed_at >= since, Case.closed_at < until, which)
    )
    if squads is not None:
        query = query.where(Case.squad.in_(sorted(squads)))
    return [(case, name) for case, name in session.execute(query.order_by(Case.closed_at, Case.id))]


def sum_saved_but_gone(
    session: Session, since: datetime, until: datetime, at: datetime, squads: frozenset[str] | None
) -> SavedButGone:
    """How many of the accounts saved in a span of time were gone or leaving at an instant, and the revenue saved."""
    span = (session, since, until, at, squads)
    cases = {case for case, _ in (*saved_but_gone(*span), *saved_but_leaving(*span))}
    rows = [row for row in closed_cases(session, since, until, squads) if row.case_id in cases] if cases else []
    default = sole_currency(session) if rows else ""
    money = _sum_money((row.currency or default, row.revenue_saved) for row in rows)
    return SavedButGone(len({row.account_id for row in rows}), money)


def _by_week(
    session: Session, instant: Any, since: datetime, until: datetime, squads: frozenset[str] | None
) -> Counter[date]:
    """Counts by the Monday of the week; SQLite gives days as text."""
    day = func.date(instant)
    query = select(day, func.count()).where(instant >= since, instant < until).group_by(day)
    if squads is not None:
        query = query.where(Case.squad.in_(sorted(squads)))
    found: Counter[date] = Counter()
    for on, count in session.execute(query):
        parsed = date.fromisoformat(str(on))
        found[parsed - timedelta(days=parsed.weekday())] += count
    return found
