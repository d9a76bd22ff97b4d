"""Decisions of earlier nights, to compare them with later events."""

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from serving.store.decision_tables import HeldOutRow, SetAside
from serving.store.tables import Account, Case, Score


def newest_scored_night(session: Session) -> date | None:
    """The newest night with scores."""
    return session.scalar(select(func.max(Score.as_of)))


def probabilities_of_night(session: Session, risk: str, night: date) -> list[float]:
    """Every published probability of one risk and night."""
    return list(session.scalars(select(Score.probability).where(Score.as_of == night, Score.risk == risk)))


def accounts_of_newest_night(session: Session) -> list[str]:
    """The accounts that the newest night knew."""
    newest = select(func.max(Account.seen_on)).scalar_subquery()
    return list(session.scalars(select(Account.account_id).where(Account.seen_on == newest)))


def opened_cases(session: Session, risk: str) -> set[tuple[str, date]]:
    """The account and night of every case of one risk."""
    rows = session.execute(select(Case.account_id, Case.opened_on).where(Case.risk == risk))
    return {(account, night) for account, night in rows}


def first_worked_and_held_out(session: Session, risk: str) -> tuple[dict[str, date], dict[str, date]]:
    """The first night on which each account was worked, and on which it was held out, for one risk.

    Accounts that the policy exempted from the draw are in neither group.
    """
    exempted = set(session.scalars(select(SetAside.account_id).where(SetAside.kind == "exempted")))
    opened = select(Case.account_id, func.min(Case.opened_on)).where(Case.risk == risk).group_by(Case.account_id)
    held = (
        select(HeldOutRow.account_id, func.min(HeldOutRow.as_of))
        .where(HeldOutRow.risk == risk)
        .group_by(HeldOutRow.account_id)
    )
    held_out = {account: night for account, night in session.execute(held) if account not in exempted}
    apart = exempted | held_out.keys()
    return {account: night for account, night in session.execute(opened) if account not in apart}, held_out
