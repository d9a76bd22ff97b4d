"""The words that pages use for what the queue keeps as codes: states, moves, clocks and the time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from serving.handoff.render import day
from serving.store.case_states import State
from serving.store.tables import Case, CaseEvent

STATES: dict[str, str] = {
    "open": "All open",
    State.NEW: "New",
    State.CLAIMED: "Claimed",
    State.CONTACTED: "Contacted",
    State.IN_PLAN: "In plan",
    State.SNOOZED: "Snoozed",
    State.SAVED: "Saved",
    State.LOST: "Lost",
    State.FALSE_ALARM: "False alarm",
    State.NO_ACTION: "No action",
    State.EXPIRED: "Expired",
    "closed": "Closed",
}

EVENTS: dict[str, str] = {
    "opened": "opened the case",
    "raised": "raised the case again",
    "claim": "claimed it",
    "assign": "assigned it",
    "reassign": "reassigned it",
    "hand_over": "handed it over",
    "release": "gave it back",
    "contact": "contacted the customer",
    "plan": "agreed a plan",
    "snooze": "snoozed it",
    "wake": "took it up again",
    "resolve": "closed it",
    "expire": "let it expire",
    "reopen": "reopened it",
    "comment": "commented",
    "disagree": "disagreed with a reason",
    "undo": "took back their last move",
    "handed_on": "passed it up the ladder",
    "breached": "noted a missed promise",
}
"""What happened, as the end of a sentence that begins with who did it."""

FIELDS: dict[str, str] = {
    "state": "state",
    "owner": "worked by",
    "squad": "squad",
    "severity": "severity",
    "probability": "probability",
    "snoozed_until": "snoozed until",
}
"""The audited fields that a reader of the record asks about; the others (clocks, counters) follow from them."""

SOON = timedelta(hours=8)


@dataclass(frozen=True)
class Clock:
    """A case's next promise: what it is, how long it has, and how urgent that is in a word (late, soon, running)."""

    promise: str
    left: str
    due: datetime
    urgency: str


def clock(case: Case, now: datetime) -> Clock | None:
    """The promise that falls due first; None for a case that owes nothing now."""
    due = case.respond_by or case.resolve_by
    if due is None or case.state == State.SNOOZED:
        return None
    promise = "respond" if case.respond_by else "resolve"
    left = due - now
    if left <= timedelta(0):
        return Clock(promise, f"{span(-left)} late", due, "late")
    return Clock(promise, f"in {span(left)}", due, "soon" if left <= SOON else "running")


def span(length: timedelta) -> str:
    """A length of time in its largest unit: ``40 min``, ``5 h``, ``3 d``."""
    minutes = length.total_seconds() / 60
    if minutes < 60:
        return f"{max(1, round(minutes))} min"
    return f"{round(minutes / 60)} h" if minutes < 48 * 60 else f"{round(minutes / 1440)} d"


def state(name: str) -> str:
    """A state as people say it."""
    return STATES.get(name, name.replace("_", " "))


def event(kind: str) -> str:
    """What happened, as the end of a sentence."""
    return EVENTS.get(kind, kind.replace("_", " "))


def countdown(until: date | None, night: date | None) -> str:
    """How far a day lies from the night: ``in 12 days``, ``today``, ``5 days ago``; empty where unknown."""
    if until is None or night is None:
        return ""
    days = (until - night).days
    if days == 0:
        return "today"
    length = f"{abs(days)} {'day' if abs(days) == 1 else 'days'}"
    return f"in {length}" if days > 0 else f"{length} ago"


def changes(entry: CaseEvent) -> list[str]:
    """The fields of a record's entry that a person asks about, as ``state: New to Claimed``."""
    return [
        f"{title}: {_value(name, entry.before.get(name))} to {_value(name, entry.after[name])}"
        for name, title in FIELDS.items()
        if name in entry.after and entry.before.get(name) is not None
    ]


def _value(name: str, value: object) -> str:
    if value is None:
        return "nobody" if name == "owner" else "none"
    if name == "state":
        return state(str(value))
    if name == "probability" and isinstance(value, int | float):
        return f"{value:.0%}"
    return day(date.fromisoformat(str(value))) if name == "snoozed_until" else str(value)
