"""Signals of the queue as rows, for the analysis of a launch."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.store.incident_tables import SignalRow

MOST_SIGNALS = 500_000
"""So many signals are read at most, the oldest first: a storm of more says nothing new."""


def signals_since(session: Session, start: datetime) -> list[dict[str, Any]]:
    """Time, code, product and account of the signals that occurred from ``start`` (UTC, without a zone) on."""
    columns = (SignalRow.occurred_at, SignalRow.code, SignalRow.fingerprint, SignalRow.product, SignalRow.account_id)
    rows = session.execute(
        select(*columns).where(SignalRow.occurred_at >= start).order_by(SignalRow.occurred_at).limit(MOST_SIGNALS)
    )
    return [dict(row._mapping) for row in rows]
