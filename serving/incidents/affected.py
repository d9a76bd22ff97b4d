"""Who an incident affects: how many signals, users and accounts, and which accounts.

The figures are counted anew from the signals of the incident. Signals are deleted after some days, so a figure of an
incident that is older never falls.
"""

from datetime import datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from serving.store.bulk import upsert
from serving.store.incident_tables import Incident, IncidentAccount, SignalMatch
from serving.store.queries.incident_queries import count_accounts


def update_figures(session: Session, incident: Incident, users_total: int | None) -> None:
    """Count the signals of the incident, and store its accounts."""
    session.flush()
    belongs = _belongs(incident)
    counted = select(
        func.count(), func.count(SignalMatch.user_id.distinct()), func.count(SignalMatch.account_id.distinct())
    ).where(belongs)
    signals, users, accounts = session.execute(counted).one()
    incident.signals, incident.users = max(incident.signals, signals), max(incident.users, users)
    incident.accounts = max(incident.accounts, accounts)
    incident.users_total, incident.accounts_total = users_total, count_accounts(session)
    _store_accounts(session, incident, belongs)


def _belongs(incident: Incident) -> ColumnElement[bool]:
    return and_(
        SignalMatch.incident_name == incident.name,
        SignalMatch.group_key == incident.group_key,
        SignalMatch.occurred_at.between(incident.started_at, incident.last_signal_at),
    )


def _store_accounts(session: Session, incident: Incident, belongs: ColumnElement[bool]) -> None:
    first, last = func.min(SignalMatch.occurred_at), func.max(SignalMatch.occurred_at)
    query = select(SignalMatch.account_id, func.count(), first, last).where(
        belongs, SignalMatch.account_id.is_not(None)
    )
    rows = session.execute(query.group_by(SignalMatch.account_id).order_by(SignalMatch.account_id)).all()
    if not rows:
        return
    account_ids, signals, firsts, lasts = zip(*rows, strict=True)
    table = pa.table(
        {
            "incident_id": pa.array([incident.id] * len(rows), pa.string()),
            "account_id": pa.array(account_ids, pa.string()),
            "signals": pa.array(signals, pa.int64()),
            "first_at": _times(firsts),
            "last_at": _times(lasts),
        }
    )
    upsert(session, IncidentAccount.__table__, table)


def _times(values: tuple[datetime | Any, ...]) -> pa.Array:
    return pa.array(values, pa.timestamp("us"))
