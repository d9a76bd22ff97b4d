"""Cases that were closed as saved, checked against what happened: did the account leave all the same?

A team that closes every case as saved looks good until somebody counts the customers. So each night looks at the
accounts whose contracts have ended, and marks their cases that were closed as saved in the 90 days before.
"""

from collections.abc import Mapping
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.cases.audit import audited_fields, record_change
from serving.cases.permissions import SYSTEM
from serving.handoff.render import day
from serving.store.case_states import State
from serving.store.casework.casework_queries import LEFT_WITHIN
from serving.store.tables import Case

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
