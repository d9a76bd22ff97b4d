"""Decisions of earlier nights, to compare them with later events."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from serving.contracts import is_predicted
from serving.store.decision_tables import EnrolmentRow
from serving.store.tables import Account, Case, CaseEvent

_NEWEST = Account.seen_on == select(func.max(Account.seen_on)).scalar_subquery()


def count_newest_night(session: Session) -> int:
    """How many accounts the newest night knew."""
    return session.scalar(select(func.count()).select_from(Account).where(_NEWEST)) or 0


def accounts_of_newest_night(session: Session, most: int) -> list[str]:
    """At most so many of the accounts that the newest night knew, read without a layer in between."""
    chosen = select(Account.account_id).where(_NEWEST).limit(most)
    return [account for (account,) in session.connection().execute(chosen).fetchall()]


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


class EnrolledUnit(NamedTuple):
    """A unit that the effect is measured on, as recorded on the night of its enrolment."""

    unit: str
    account_id: str
    as_of: date
    stratum: str
    share: float
    held_out: bool
    probability: float
    revenue: float
    expected_value: float
    currency: str | None


def enrolled_units(session: Session, risk: str) -> list[EnrolledUnit]:
    """The units of one risk that were drawn with the newest salt, by night; the account's currency is that of now."""
    counted = EnrolmentRow.share.is_not(None)
    newest = select(EnrolmentRow.salt).where(counted).order_by(EnrolmentRow.as_of.desc(), EnrolmentRow.salt).limit(1)
    columns = [getattr(EnrolmentRow, name) for name in EnrolledUnit._fields[:-1]]
    rows = session.execute(
        select(*columns, Account.currency)
        .outerjoin(Account, Account.account_id == EnrolmentRow.account_id)
        .where(counted, EnrolmentRow.risk == risk, EnrolmentRow.salt == newest.scalar_subquery())
        .order_by(EnrolmentRow.as_of, EnrolmentRow.unit)
    )
    return [EnrolledUnit(*row) for row in rows]
