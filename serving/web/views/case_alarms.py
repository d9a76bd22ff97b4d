"""What raised a case, and which of its deadlines passed, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from serving.contracts import Alarm, AlarmKind
from serving.policy.state.reason_texts import alarm_text
from serving.store.tables import Case, CaseEvent

_MISSED = {"respond_breached_at": "the first contact was late", "resolve_breached_at": "the outcome was late"}


@dataclass(frozen=True)
class AlarmView:
    """An alarm in words, with the night that raised it."""

    text: str
    raised_on: date


@dataclass(frozen=True)
class MissedDeadline:
    """A deadline that passed, and when that was recorded; a hand-over or a return does not forgive it."""

    what: str
    at: datetime


def alarm_views(case: Case) -> tuple[AlarmView, ...]:
    """The alarms of the case; that of a risk which was not scored beside a cancellation is the cancellation's own."""
    shown, cancelled = dict(case.alarms), case.alarms.get(AlarmKind.CANCELLATION)
    code = Alarm(AlarmKind.RISK, case.risk).code
    if cancelled and case.probability is None and code in shown and shown[code].raised_on >= cancelled.raised_on:
        del shown[code]
    return tuple(AlarmView(_title(alarm_text(code)), row.raised_on) for code, row in shown.items())


def missed_deadlines(events: Iterable[CaseEvent]) -> tuple[MissedDeadline, ...]:
    """The deadlines that passed since the case was opened."""
    breaches = [event for event in events if event.kind == "breached"]
    return tuple(
        MissedDeadline(_MISSED[name], event.at) for event in breaches for name in _MISSED if name in event.after
    )


def _title(text: str) -> str:
    return text[:1].upper() + text[1:]
