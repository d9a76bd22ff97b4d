"""Incidents with their timeline, their accounts and the open cases of these; and what a page of the queue shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from serving.store.incident_tables import Incident, IncidentAccount, IncidentEvent, SignalMatch, SignalRow
from serving.store.queries.account_queries import visible_accounts
from serving.store.queries.queue_queries import newest_night
from serving.store.tables import Account, Case

LISTED = 200
"""The largest number of incidents in a list."""

LISTED_ACCOUNTS = 200
"""The largest number of accounts that the page of an incident lists; all are counted."""

SAMPLE_SIGNALS = 5
"""Signals that the page of an incident shows, the newest ones."""


@dataclass(frozen=True)
class AffectedAccount:
    """An account that an incident affects: its newest figures, and its open cases that the person may see."""

    account_id: str
    name: str
    revenue: float | None
    currency: str | None
    signals: int
    first_at: datetime
    last_at: datetime
    cases: tuple[str, ...]


@dataclass(frozen=True)
class AffectedRevenue:
    """The yearly revenue of affected accounts in one currency, and how many accounts that is."""

    currency: str
    amount: float
    accounts: int


@dataclass(frozen=True)
class IncidentFile:
    """The data of an incident's page, read from one consistent state of the database.

    ``accounts`` are those that the person may see, the largest revenue first; ``hidden`` is the number of the others.
    ``revenue`` is the sum over all affected accounts by currency, ``unknown`` the number without a known revenue.
    """

    incident: Incident
    events: tuple[IncidentEvent, ...]
    accounts: tuple[AffectedAccount, ...]
    hidden: int
    revenue: tuple[AffectedRevenue, ...]
    unknown: int
    samples: tuple[SignalRow, ...]


def list_incidents(session: Session, *, state: str = "", limit: int = LISTED) -> list[Incident]:
    """The incidents, open ones first, then the newest first; with ``state``, only those."""
    query = select(Incident).where(Incident.state == state) if state else select(Incident)
    order = (Incident.state != "open", Incident.started_at.desc(), Incident.id)
    return list(session.scalars(query.order_by(*order).limit(limit)))


def count_open_incidents(session: Session) -> int:
    """How many incidents are open."""
    return session.scalar(select(func.count()).where(Incident.state == "open")) or 0


def has_incidents(session: Session) -> bool:
    """Whether there has ever been an incident."""
    return session.scalar(select(Incident.id).limit(1)) is not None


def incident_history(session: Session, incident_id: str) -> list[IncidentEvent]:
    """Every event of the incident, oldest first."""
    query = select(IncidentEvent).where(IncidentEvent.incident_id == incident_id)
    return list(session.scalars(query.order_by(IncidentEvent.id)))


def incidents_of_account(session: Session, account_id: str, since: datetime | None = None) -> list[Incident]:
    """The incidents that affect an account: open ones, and with ``since`` those that ended later than that."""
    current: ColumnElement[bool] = Incident.state == "open"
    if since is not None:
        current = or_(current, Incident.closed_at >= since)
    query = select(Incident).join(IncidentAccount).where(IncidentAccount.account_id == account_id, current)
    return list(session.scalars(query.order_by(Incident.state != "open", Incident.started_at.desc(), Incident.id)))


def incident_file(session: Session, incident_id: str, visible: frozenset[str] | None) -> IncidentFile | None:
    """The file of an incident; ``visible`` are the squads whose accounts the person sees (None: every one)."""
    incident = session.get(Incident, incident_id)
    if incident is None:
        return None
    accounts = _accounts(session, incident, visible)
    revenue, unknown = affected_revenue(session, incident_id)
    return IncidentFile(
        incident=incident,
        events=tuple(incident_history(session, incident_id)),
        accounts=accounts,
        hidden=incident.accounts - len(accounts),
        revenue=revenue,
        unknown=unknown,
        samples=tuple(session.scalars(_samples(incident))),
    )


def _accounts(session: Session, incident: Incident, visible: frozenset[str] | None) -> tuple[AffectedAccount, ...]:
    query = (
        select(IncidentAccount, Account)
        .outerjoin(Account, Account.account_id == IncidentAccount.account_id)
        .where(IncidentAccount.incident_id == incident.id)
    )
    query = query.where(*visible_accounts(visible, IncidentAccount.account_id))
    order = (Account.arr.is_(None), Account.arr.desc(), IncidentAccount.signals.desc(), IncidentAccount.account_id)
    rows = session.execute(query.order_by(*order).limit(LISTED_ACCOUNTS)).all()
    cases = _open_cases(session, [row[0].account_id for row in rows], visible)
    return tuple(
        AffectedAccount(
            account_id=affected.account_id,
            name=(account.name if account else None) or affected.account_id,
            revenue=account.arr if account else None,
            currency=account.currency if account else None,
            signals=affected.signals,
            first_at=affected.first_at,
            last_at=affected.last_at,
            cases=cases.get(affected.account_id, ()),
        )
        for affected, account in rows
    )


def _open_cases(
    session: Session, accounts: Sequence[str], visible: frozenset[str] | None
) -> dict[str, tuple[str, ...]]:
    query = select(Case.account_id, Case.id).where(Case.account_id.in_(accounts), Case.closed_at.is_(None))
    if visible is not None:
        query = query.where(Case.squad.in_(sorted(visible)))
    found: dict[str, tuple[str, ...]] = {}
    for account, case in session.execute(query.order_by(Case.priority.desc(), Case.id)):
        found[account] = (*found.get(account, ()), case)
    return found


def affected_revenue(session: Session, incident_id: str) -> tuple[tuple[AffectedRevenue, ...], int]:
    """The yearly revenue of the affected accounts by currency, the largest first, and how many have none known."""
    joined = (
        select(Account.currency, func.sum(Account.arr), func.count(Account.arr), func.count())
        .select_from(IncidentAccount)
        .outerjoin(Account, Account.account_id == IncidentAccount.account_id)
        .where(IncidentAccount.incident_id == incident_id)
        .group_by(Account.currency)
    )
    rows = session.execute(joined).all()
    known = sorted(
        (AffectedRevenue(row[0] or "", float(row[1]), row[2]) for row in rows if row[2]), key=lambda part: -part.amount
    )
    return tuple(known), sum(row[3] - row[2] for row in rows)


def _samples(incident: Incident) -> Select[tuple[SignalRow]]:
    """The newest signals of the incident, while they are kept."""
    matches = and_(
        SignalMatch.incident_name == incident.name,
        SignalMatch.group_key == incident.group_key,
        SignalMatch.occurred_at.between(incident.started_at, incident.last_signal_at),
    )
    joined = select(SignalRow).join(SignalMatch, SignalMatch.signal_id == SignalRow.signal_id).where(matches)
    return joined.order_by(SignalMatch.occurred_at.desc(), SignalRow.signal_id).limit(SAMPLE_SIGNALS)


def newest_signals(session: Session, count: int) -> list[SignalRow]:
    """The signals that happened last, the newest first."""
    return list(
        session.scalars(select(SignalRow).order_by(SignalRow.occurred_at.desc(), SignalRow.signal_id).limit(count))
    )


def count_received_signals(session: Session) -> list[tuple[str, date, int]]:
    """How many signals about each account were received on each day (UTC), by account and day."""
    day = func.date(SignalRow.received_at)
    query = select(SignalRow.account_id, day, func.count()).where(SignalRow.account_id.is_not(None))
    rows = session.execute(query.group_by(SignalRow.account_id, day).order_by(SignalRow.account_id, day))
    return [(row[0], date.fromisoformat(str(row[1])), row[2]) for row in rows]


def count_accounts(session: Session) -> int | None:
    """How many accounts the newest night has; None before the first night."""
    night = newest_night(session)
    if night is None:
        return None
    return session.scalar(select(func.count()).where(Account.seen_on >= night)) or None
