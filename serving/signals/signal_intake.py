"""Signals into the queue's database: many at once, and each only once.

A sender that got no answer sends again. So the id of a signal is its key: what is known already changes nothing, and
the answer counts it. The first report of a signal is the one that counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import delete
from sqlalchemy.orm import Session

from serving.signals.signal_fields import Signal
from serving.store.bulk import insert_new
from serving.store.database import Store, utcnow
from serving.store.incident_tables import SignalMatch, SignalRow

SIGNALS_OF_A_TRANSACTION = 20_000
"""Signals of one transaction."""

_NAMES = tuple(one.name for one in fields(Signal))


@dataclass(frozen=True)
class IntakeReport:
    """How many signals are new, and how many were known already."""

    accepted: int
    repeated: int


def add_signals(store: Store, signals: Sequence[Signal], *, sender: str, now: datetime | None = None) -> IntakeReport:
    """Write the signals that are not known yet; of an id that occurs twice, the first counts."""
    now = now or utcnow()
    unique = list({signal.signal_id: signal for signal in reversed(signals)}.values())[::-1]
    added = 0
    for start in range(0, len(unique), SIGNALS_OF_A_TRANSACTION):
        with store.transaction() as session:
            added += _add(session, unique[start : start + SIGNALS_OF_A_TRANSACTION], sender, now)
    return IntakeReport(added, len(signals) - added)


def _add(session: Session, signals: Sequence[Signal], sender: str, now: datetime) -> int:
    columns: dict[str, Any] = {name: [getattr(signal, name) for signal in signals] for name in _NAMES}
    count = len(signals)
    rows = pa.table(
        {
            **{name: pa.array(values, _type(name)) for name, values in columns.items()},
            "received_at": pa.array([now] * count, pa.timestamp("us")),
            "sender": pa.array([sender] * count, pa.string()),
            "pending": pa.array([True] * count, pa.bool_()),
        }
    )
    return insert_new(session, SignalRow.__table__, rows)


def _type(name: str) -> pa.DataType:
    return {"occurred_at": pa.timestamp("us"), "value": pa.float64()}.get(name, pa.string())


def prune_signals(session: Session, now: datetime, keep_days: int) -> int:
    """Delete the signals that happened more than ``keep_days`` ago and that incidents have seen; how many."""
    before = now - timedelta(days=keep_days)
    session.execute(delete(SignalMatch).where(SignalMatch.occurred_at < before))
    old = delete(SignalRow).where(SignalRow.occurred_at < before, SignalRow.pending.is_(False))
    return int(session.execute(old).rowcount)  # type: ignore[attr-defined]  # a cursor's result has it
