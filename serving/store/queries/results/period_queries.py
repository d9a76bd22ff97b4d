"""What happened in a span of time: for months and quarters, and from the beginning of a week to its end."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import Select, func, literal_column, select
from sqlalchemy.orm import Session

from serving.store.case_states import State
from serving.store.queries.results.weekly_queries import (
    COUNTED_REVENUE,
    OUTCOME_VIEW,
    Amounts,
    SavedButGone,
    closed_cases,
    sole_currency,
    sum_outcomes,
    sum_saved_but_gone,
)
from serving.store.tables import Account, Case

MONTHS_OF_QUARTER = 3


@dataclass(frozen=True)
class PeriodFlow:
    """What happened from ``first`` to ``last``, both included; ``complete`` is False while the period goes on.

    ``gone`` is the part of what was saved whose customers have left since, are leaving, or were lost.
    """

    first: date
    last: date
    complete: bool
    opened: int
    closed: int
    saved: int
    lost: int
    money_saved: Amounts
    money_lost: Amounts
    gone: SavedButGone


class RevenueMove(NamedTuple):
    """Cases that came or went in a span of time, with the revenue at stake in them."""

    cases: int
    revenue: Amounts


class RevenueMoves(NamedTuple):
    """Why the revenue of the open cases changed: cases opened, and closed as saved, as lost, and otherwise."""

    opened: RevenueMove
    saved: RevenueMove
    lost: RevenueMove
    otherwise: RevenueMove


def months_and_quarters(session: Session, at: datetime, squads: frozenset[str] | None) -> list[PeriodFlow]:
    """The quarter and the month that an instant lies in, each followed by the one before, as known at the instant."""
    newest = (at - timedelta(microseconds=1)).date()
    month = newest.replace(day=1)
    quarter = month.replace(month=month.month - (month.month - 1) % MONTHS_OF_QUARTER)
    before = [_months_before(quarter, MONTHS_OF_QUARTER), _months_before(month, 1)]
    return [
        _flow(session, quarter, newest, at, squads, complete=_next(quarter, MONTHS_OF_QUARTER) <= at.date()),
        _flow(session, before[0], quarter - timedelta(days=1), at, squads, complete=True),
        _flow(session, month, newest, at, squads, complete=_next(month, 1) <= at.date()),
        _flow(session, before[1], month - timedelta(days=1), at, squads, complete=True),
    ]


def revenue_moves(session: Session, since: datetime, until: datetime, squads: frozenset[str] | None) -> RevenueMoves:
    """What came into the open cases and went out of them; a case that did both in the span is in both."""
    revenue = func.coalesce(Case.at_stake, Case.estimated_revenue)
    query = (
        select(Case.opened_at, Case.closed_at, Case.state, Account.currency, revenue)
        .join(Account, Account.account_id == Case.account_id)
        .where(Case.opened_at < until, (Case.opened_at >= since) | (Case.closed_at >= since))
    )
    if squads is not None:
        query = query.where(Case.squad.in_(sorted(squads)))
    default = sole_currency(session)
    counts: Counter[str] = Counter()
    money: dict[str, Counter[str]] = {name: Counter() for name in RevenueMoves._fields}
    for opened_at, closed_at, state, currency, amount in session.execute(query):
        names = ["opened"] if opened_at >= since else []
        if closed_at is not None and since <= closed_at < until:
            names.append(state if state in (State.SAVED, State.LOST) else "otherwise")
        for name in names:
            counts[name] += 1
            if amount is not None:
                money[name][currency or default] += amount
    return RevenueMoves(*(RevenueMove(counts[name], dict(money[name])) for name in RevenueMoves._fields))


def sum_counted_revenue(session: Session, cases: Select[tuple[str]]) -> dict[tuple[str, str], float]:
    """What these cases saved and lost, as it counts in every sum, by outcome and currency; ``cases`` selects ids."""
    view = OUTCOME_VIEW.c
    currency = func.coalesce(Case.outcome_currency, view.currency, sole_currency(session)).label("code")
    query = (
        select(view.outcome, currency, func.sum(COUNTED_REVENUE))
        .join(Case, Case.id == view.case_id)
        .where(view.outcome.in_((State.SAVED, State.LOST)), view.case_id.in_(cases))
        .group_by(view.outcome, literal_column("code"))
    )
    return {(outcome, code): value for outcome, code, value in session.execute(query) if value is not None}


def _flow(
    session: Session, first: date, last: date, at: datetime, squads: frozenset[str] | None, *, complete: bool
) -> PeriodFlow:
    since, until = datetime.combine(first, time()), datetime.combine(last, time()) + timedelta(days=1)
    opened = select(func.count()).select_from(Case).where(Case.opened_at >= since, Case.opened_at < until)
    if squads is not None:
        opened = opened.where(Case.squad.in_(sorted(squads)))
    sums = sum_outcomes(closed_cases(session, since, until, squads), sole_currency(session))
    gone = sum_saved_but_gone(session, since, until, at, squads)
    return PeriodFlow(first, last, complete, opened=session.scalar(opened) or 0, gone=gone, **sums._asdict())


def _months_before(first: date, months: int) -> date:
    number = first.year * 12 + first.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def _next(first: date, months: int) -> date:
    return _months_before(first, -months)
