"""The health points that the outcomes of cases add to an account's measured score."""

from collections.abc import Sequence
from datetime import datetime

from serving.store.exchange import HealthAdjustment


def points_at(entries: Sequence[HealthAdjustment], at: datetime) -> float:
    """The health points of one account at that instant: decayed, without withdrawn adjustments, within the cap."""
    live = [entry for entry in entries if entry.decided_at <= at and not _withdrawn(entry, at)]
    if not live:
        return 0.0
    cap = max(live, key=lambda entry: (entry.decided_at, entry.id)).cap
    return max(-cap, min(cap, sum(_left(entry, at) for entry in live)))


def _withdrawn(entry: HealthAdjustment, at: datetime) -> bool:
    return entry.withdrawn_at is not None and entry.withdrawn_at <= at


def _left(entry: HealthAdjustment, at: datetime) -> float:
    days = (at - entry.decided_at).total_seconds() / 86_400
    return float(entry.points * 0.5 ** (days / entry.half_life))
