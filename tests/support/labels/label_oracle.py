"""The labels by the slowest honest road: for one account and one cutoff, read the rules aloud over plain rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from features.labels.labels import LabelRule


@dataclass(frozen=True)
class Version:
    """What our copy learned of a subscription at one instant."""

    subscription: str
    known: datetime
    started: datetime
    ended: datetime | None


def churn(versions: Sequence[Version], cutoff: date, rule: LabelRule, until: date) -> tuple[str, datetime | None]:
    """What the label says (``not eligible``, ``unknown``, ``event``, ``none``) and when it happened."""
    opened = datetime.combine(cutoff, datetime.min.time())
    if not _open([version for version in versions if version.known < opened]):
        return "not eligible", None
    lead_over = opened + timedelta(days=rule.lead)
    closed = lead_over + timedelta(days=rule.horizon)
    matures = closed + timedelta(days=rule.grace)
    if matures >= datetime.combine(until, datetime.min.time()):
        return "unknown", None
    learned = [version for version in versions if version.known <= matures]
    decisions = [at for at in _decisions(learned) if opened <= at <= closed and not _undone(learned, at, rule.grace)]
    early = [at for at in decisions if at <= lead_over]
    if early:
        return "unknown", early[0]
    return ("event", decisions[0]) if decisions else ("none", None)


def _newest(versions: Sequence[Version]) -> dict[str, Version]:
    return {version.subscription: version for version in sorted(versions, key=lambda version: version.known)}


def _open(versions: Sequence[Version]) -> list[Version]:
    return [version for version in _newest(versions).values() if version.ended is None]


def _decisions(versions: Sequence[Version]) -> list[datetime]:
    """The instants at which the last subscription without an end was given one."""
    return [
        at
        for at in sorted({version.known for version in versions if version.ended})
        if _open([version for version in versions if version.known < at])
        and not _open([version for version in versions if version.known <= at])
    ]


def _undone(versions: Sequence[Version], at: datetime, grace: int) -> bool:
    """Taken back, or replaced: something learned later runs on past the end, and started soon enough after it."""
    ours = {version.subscription for version in versions if version.known <= at}
    for version in versions:
        if version.known <= at or (version.ended and version.subscription in ours):
            continue
        end = _end_as_known(versions, ours, version.known)
        if version.started <= end + timedelta(days=grace) and (version.ended is None or version.ended > end):
            return True
    return False


def _end_as_known(versions: Sequence[Version], ours: set[str], now: datetime) -> datetime:
    """The last of our subscriptions' ends, each as it was learned last."""
    dated = [version for version in versions if version.ended and version.subscription in ours and version.known <= now]
    return max(version.ended for version in _newest(dated).values() if version.ended)
