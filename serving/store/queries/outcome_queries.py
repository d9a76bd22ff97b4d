"""Decisions of earlier nights, to compare them with later events."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from serving.contracts import AlarmKind, is_predicted
from serving.store.decision_tables import HeldOutRow, SetAside
from serving.store.tables import Account, Case, CaseEvent, Score


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


class OpenedCase(NamedTuple):
    """A case, the night that opened it, its state, and the alarms that it was opened for."""

    account_id: str
    opened_on: date
    state: str
    alarms: tuple[str, ...]

    @property
    def predicted(self) -> bool:
        """Whether a risk or a trigger raised it, and not the known end of a contract."""
        return is_predicted(self.alarms)


def opened_cases(session: Session, risk: str) -> list[OpenedCase]:
    """Every case of one risk, by account and night."""
    first = CaseEvent.case_id == Case.id, CaseEvent.kind == "opened"
    rows = session.execute(
        select(Case.account_id, Case.opened_on, Case.state, CaseEvent.after)
        .outerjoin(CaseEvent, and_(*first))
        .where(Case.risk == risk)
        .order_by(Case.account_id, Case.opened_on)
    )
    return [
        OpenedCase(account, day, state, tuple((note or {}).get("alarms", ()))) for account, day, state, note in rows
    ]


def first_worked_and_held_out(session: Session, risk: str) -> tuple[dict[str, date], dict[str, date]]:
    """The first night on which each account was worked, and on which it was held out, for one risk.

    Accounts that the policy exempted from the draw are in neither group, and cases of known ends of contracts do not
    count. An account that was held out and then cancelled stays in its group: its cancellation is the event.
    """
    by_policy = SetAside.kind == "exempted", SetAside.code.not_in([AlarmKind.CANCELLATION, AlarmKind.PARTIAL_LOSS])
    exempted = set(session.scalars(select(SetAside.account_id).where(*by_policy)))
    opened: dict[str, date] = {}
    for case in opened_cases(session, risk):
        if case.predicted:
            opened.setdefault(case.account_id, case.opened_on)
    held = (
        select(HeldOutRow.account_id, func.min(HeldOutRow.as_of))
        .where(HeldOutRow.risk == risk)
        .group_by(HeldOutRow.account_id)
    )
    held_out = {account: night for account, night in session.execute(held) if account not in exempted}
    apart = exempted | held_out.keys()
    return {account: night for account, night in opened.items() if account not in apart}, held_out
