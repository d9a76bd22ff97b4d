"""Cases that were closed as saved or lost, checked against what happened: did the account leave, or is it still there?

A team that closes every case as saved looks good until somebody counts the customers. So each night looks at the
accounts whose contracts have ended, and marks their cases that were closed as saved in the 90 days before. And an
account that was given up may stay: a case closed as lost is marked where its contract runs on 90 days later.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.cases.audit import audited_fields, record_change
from serving.cases.permissions import SYSTEM
from serving.handoff.render import day
from serving.store.case_states import State
from serving.store.casework.casework_queries import LEFT_WITHIN
from serving.store.queries.case_queries import STAYED
from serving.store.tables import Case, CaseEvent

ACCOUNTS_AT_ONCE = 500


def mark_left(session: Session, left: Mapping[str, date], night: date, now: datetime) -> int:
    """Mark the cases closed as saved whose account has left since; ``left`` has the day on which each account left.

    Returns the number of cases that are newly marked.
    """
    earliest = datetime.combine(night, time()) - 2 * LEFT_WITHIN
    unmarked = (Case.state == State.SAVED, Case.closed_at >= earliest, Case.left_on.is_(None))
    saved = set(session.scalars(select(Case.account_id).where(*unmarked)))  # few, where many have left
    accounts, marked = sorted(saved & left.keys()), 0
    for first in range(0, len(accounts), ACCOUNTS_AT_ONCE):
        query = select(Case).where(Case.account_id.in_(accounts[first : first + ACCOUNTS_AT_ONCE]), *unmarked)
        for case in session.scalars(query.order_by(Case.id).with_for_update()):
            marked += _mark(session, case, left[case.account_id], now)
    return marked


def _mark(session: Session, case: Case, left_on: date, now: datetime) -> bool:
    if case.closed_at is None:
        return False
    days = (left_on - case.closed_at.date()).days
    if not 0 <= days <= LEFT_WITHIN.days:
        return False
    before = audited_fields(case)
    case.left_on = left_on
    when = "on the same day" if days == 0 else f"{days} {'day' if days == 1 else 'days'} after the case was closed"
    text = f"The account left on {day(left_on)}, {when} as saved."
    record_change(session, case, before, "left_after_saved", actor=SYSTEM.name, at=now, comment=text)
    return True


def mark_stayed(
    session: Session, running: Callable[[Collection[str]], Collection[str]], night: date, now: datetime
) -> int:
    """Mark the cases closed as lost 90 days ago whose account is a customer all the same.

    ``running`` returns which of the accounts that it is given have a contract that goes on: neither ended nor
    cancelled. Returns the number of cases that are newly marked.
    """
    until = datetime.combine(night, time()) - LEFT_WITHIN
    marked = select(CaseEvent.id).where(CaseEvent.case_id == Case.id, CaseEvent.kind == STAYED)
    lost = (Case.state == State.LOST, Case.closed_at < until, Case.closed_at >= until - LEFT_WITHIN)
    query = select(Case).where(*lost, ~marked.exists()).order_by(Case.id)
    cases = list(session.scalars(query.with_for_update(of=Case)))
    stayed = running({case.account_id for case in cases}) if cases else ()
    found = [case for case in cases if case.account_id in stayed]
    for case in found:
        text = f"The account is still a customer {LEFT_WITHIN.days} days after the case was closed as lost."
        record_change(session, case, audited_fields(case), STAYED, actor=SYSTEM.name, at=now, comment=text)
    return len(found)
