"""Signals, a policy with incidents, and rounds at chosen times."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from serving.incidents.run_incidents import IncidentReport, run_incidents
from serving.policy.definition.policy_file import Policy
from serving.signals.signal_fields import Signal
from serving.signals.signal_intake import add_signals
from serving.store import Store
from serving.store.exchange import Message
from serving.store.incident_tables import Incident
from support.nights.policy_factory import policy

NOON = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - instants are naive UTC

CHECKOUT = """
[incidents.failed_checkouts]
when = "kind = 'checkout.failed'"
count = 3
within = "15 minutes"
quiet = "30 minutes"
severity = "high"
"""


def checkout_policy(**replaced: str) -> Policy:
    """The small policy with an incident; keys of its table are replaced, and others added."""
    lines = dict(line.split(" = ", 1) for line in CHECKOUT.strip().splitlines()[1:]) | replaced
    table = "\n".join(f"{key} = {value}" for key, value in lines.items())
    return policy(f"\n[incidents.failed_checkouts]\n{table}\n")


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def failed(minutes: float, **fields: Any) -> Signal:
    """A failed checkout, so many minutes after noon; its id is its time, unless it is given."""
    known: dict[str, Any] = {"signal_id": f"s{minutes}", "source": "shop", "kind": "checkout.failed"}
    return Signal(occurred_at=at(minutes), **(known | fields))


def arrive(
    store: Store, minutes: Sequence[float], by: Policy, now: float | None = None, **fields: Any
) -> IncidentReport:
    """Signals arrive, and a round runs at ``now`` (default: the latest of them)."""
    signals = [failed(minute, **fields) for minute in minutes]
    moment = at(max(minutes) if now is None else now)
    add_signals(store, signals, sender="test", now=moment)
    return run_incidents(store, by, now=moment)


def incidents(store: Store) -> list[Incident]:
    """All incidents, by their start."""
    with store.reading() as session:
        return list(session.scalars(select(Incident).order_by(Incident.started_at, Incident.id)))


def messages(store: Store) -> list[Message]:
    """The outbox, by time and id."""
    with store.reading() as session:
        return list(session.scalars(select(Message).order_by(Message.created_at, Message.id)))
