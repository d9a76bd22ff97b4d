"""The only place where a code becomes a text: states, actions, events, fields, feeds, risks, roles and times.

The queue, the night report and the hand-off store codes, so that a text can be improved without touching stored data.
Pages look the text up here and never read a code back out of a sentence.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from serving.handoff.render import amount, day
from serving.night_report.closure_titles import RESOLVED_TITLES
from serving.store.case_states import State
from serving.store.tables import Account, Case

STATE_TITLES: dict[str, str] = {
    "open": "All open",
    State.NEW: "New",
    State.HANDED_OVER: "Handed over",
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

LANE_TITLES: dict[str, str] = {"": "All lanes", "at_risk": "At risk", "leaving": "Leaving", "waiting": "Waiting"}

CONTRACT_TITLES: dict[str, str] = {
    "running": "running",
    "leaving": "cancelled",
    "left": "ended",
    "none": "no contract",
}
"""The status of an account's contracts."""

EVENT_TEXTS: dict[str, str] = {
    "opened": "opened the case",
    "raised": "flagged the account again",
    "claim": "claimed the case",
    "assign": "assigned the case",
    "reassign": "reassigned the case",
    "hand_over": "handed the case over",
    "accept": "accepted the case",
    "return": "returned the case to its sender",
    "acknowledge": "acknowledged the case",
    "path_repeated": "sent a step of the escalation path again",
    "path_ended": "reached the end of the escalation path",
    "release": "returned the case to the squad",
    "contact": "contacted the customer",
    "plan": "recorded a plan",
    "snooze": "snoozed the case",
    "wake": "ended the snooze",
    "resolve": "closed the case",
    "expire": "closed the case: nobody had contacted the customer or made a plan",
    "close": "closed the case",
    "updated": "updated the case",
    "settled": "settled the lost case",
    "reopen": "reopened the case",
    "comment": "commented",
    "disagree": "disagreed with a reason",
    "undo": "undid their last action",
    "contact_logged": "logged a contact",
    "task_added": "added a task",
    "task_done": "marked a task as done",
    "task_skipped": "skipped a task",
    "task_reopened": "opened a task again",
    "task_changed": "changed a task",
    "attached": "added a file",
    "detached": "removed a file",
    "left_after_saved": "found that the account left although the case was closed as saved",
    "stayed_after_lost": "found that the account is still a customer although the case was closed as lost",
    "escalated": "escalated the case to the next person",
    "handed_on": "escalated the case to the next person",  # in the history of earlier versions
    "breached": "recorded a missed deadline",
}
"""What happened, as the end of a sentence that begins with the person's name."""

SUCCESS_TEXTS: dict[str, str] = {
    "claim": "The case is yours.",
    "open_case": "The case is open. It has its place in the queue, and your reason is in its timeline.",
    "assign": "The case is assigned.",
    "reassign": "The case is reassigned.",
    "hand_over": "The case was handed over.",
    "accept": "You accepted the case. It is yours.",
    "return": "The case was returned to its sender.",
    "absence_entered": "The absence is entered.",
    "absence_withdrawn": "The absence is removed.",
    "preferences_saved": "Saved. The next message to you follows it.",
    "release": "The case was returned to the squad.",
    "acknowledge": "The case is acknowledged. It does not escalate any more.",
    "contact": "Recorded: the customer was contacted.",
    "plan": "The plan is recorded.",
    "snooze": "The case is snoozed.",
    "wake": "The case is active again.",
    "resolve": "The case is closed. Its outcome is in the timeline.",
    "reopen": "The case is open again, and it is yours.",
    "comment": "Your comment is in the timeline.",
    "disagree": "Your disagreement is in the timeline. The analyst will read it.",
    "undo": "That action was undone.",
    "log_contact": "The contact is in the log.",
    "task_add": "The task is added.",
    "task_done": "The task is done.",
    "task_skip": "The task is skipped.",
    "task_reopen": "The task is open again.",
    "task_change": "The task is changed.",
    "attach": "The file is added.",
    "detach": "The file is removed.",
    "read": "Marked as read.",
    "no_new_case": "There is no new case left in your squads. Cases that colleagues work on stay with them.",
    "policy_saved": "The version is saved and in force.",
    "account_excluded": "The account is excluded from the queue; an open case of it is closed by the next night.",
    "account_included": "The account can get cases again, from the next night on.",
    "policy_restored": "The version is restored and in force.",
    "replay_busy": "One replay runs at a time: this is the one that is running.",
    "view_saved": "The view is saved.",
    "view_deleted": "The view is deleted.",
}
"""What a page says after an action."""

SORT_TITLES: dict[str, str] = {
    "priority": "priority",
    "account": "account name",
    "revenue": "recurring revenue",
    "leaving": "end of the contract",
    "renewal": "renewal date",
    "clock": "next deadline",
}
"""What the open cases can be sorted by, besides each risk."""

CLOSED_SORT_TITLES: dict[str, str] = {
    "closed": "day of the close, the newest first",
    "account": "account name",
    "amount": "revenue saved or lost",
    "revenue": "recurring revenue",
}
"""What the closed cases can be sorted by."""
ONLY_CLOSED_SORTS = frozenset(CLOSED_SORT_TITLES) - frozenset(SORT_TITLES)

PERMISSION_TEXTS: dict[str, str] = {
    "see": "see cases",
    "comment": "comment on cases",
    "work": "work on cases",
    "assign": "assign cases",
    "overview": "see the overview, the weekly report and the policy",
    "hold_outs": "see which accounts are held out",
    "policy": "change the policy",
}
"""What a permission allows, as the end of "they may not …"."""

NIGHT_STATUS_TITLES: dict[str, str] = {"running": "Running", "failed": "Failed", "recorded": "Recorded"}

DUE_SOON = timedelta(hours=8)


@dataclass(frozen=True)
class SlaTimer:
    """A case's next deadline: for what (``respond`` or ``resolve``), the time left in words, and when it is due.

    ``urgency`` is ``late``, ``soon`` or ``running``.
    """

    target: str
    left: str
    due: datetime
    urgency: str


def sla_timer(case: Case, now: datetime) -> SlaTimer | None:
    """The deadline that comes first; None for a case without a running deadline (closed, snoozed)."""
    due = case.respond_by or case.resolve_by
    if due is None or case.state == State.SNOOZED:
        return None
    target = "respond" if case.respond_by else "resolve"
    left = due - now
    if left <= timedelta(0):
        return SlaTimer(target, f"{duration(-left)} late", due, "late")
    return SlaTimer(target, f"in {duration(left)}", due, "soon" if left <= DUE_SOON else "running")


def duration(length: timedelta) -> str:
    """A length of time in its largest unit: ``40 min``, ``5 h``, ``3 d``."""
    minutes = length.total_seconds() / 60
    if minutes < 60:
        return f"{max(1, round(minutes))} min"
    hours = round(minutes / 60)  # rounded first: "48 h" would be "2 d" in the next minute
    return f"{hours} h" if hours < 48 else f"{round(minutes / 1440)} d"


def state_title(code: str) -> str:
    """The title of a state."""
    return STATE_TITLES.get(code, code_title(code))


def event_text(code: str) -> str:
    """What happened, as the end of a sentence that begins with the person's name."""
    return EVENT_TEXTS.get(code, code.replace("_", " "))


def code_title(code: str) -> str:
    """A code that has no text of its own, such as the name of a risk, as a title: ``late_payment``: Late payment."""
    text = code.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def sort_title(code: str) -> str:
    """What a list is sorted by, in words: a column of the queue, or the probability of a risk."""
    return SORT_TITLES.get(code) or CLOSED_SORT_TITLES.get(code) or f"{code_title(code).lower()} risk"


def risk_title(risk: str) -> str:
    """The name of a risk with the word risk, as the title of a figure or a plot."""
    return f"{code_title(risk)} risk"


def permission_text(code: str) -> str:
    """What a permission allows."""
    return PERMISSION_TEXTS[code]


def lane_title(code: str) -> str:
    """The title of a lane; that of the empty code is for every lane."""
    return LANE_TITLES.get(code, code_title(code))


def resolved_title(code: str | None) -> str:
    """Why the cause of a case is gone, as a title; empty where it is not."""
    return RESOLVED_TITLES.get(code, code_title(code)) if code else ""


def contract_title(code: str | None) -> str:
    """The status of an account's contracts."""
    return CONTRACT_TITLES.get(code, code) if code else "unknown"


def money(value: float | None, currency: str | None = None, estimated: float | None = None) -> str:
    """Money with its currency; ``unknown`` where it is, with the estimate that was used instead of it."""
    if value is not None:
        return amount(value, currency or "")
    return f"unknown (estimated {amount(estimated, currency or '')})" if estimated is not None else "unknown"


def small_share(value: float) -> str:
    """A share as a percentage, one below 10% with a decimal where it has one: ``2.4%``, ``15%``."""
    return f"{100 * value:.0f}%" if value >= 0.1 else f"{round(100 * value, 1):g}%"


def points_since(then: float | None, now: float | None, since: date) -> str:
    """The change of a probability in percentage points: ``+12 points since 1 Jul 2026``; empty below one point."""
    if then is None or now is None or abs(now - then) < 0.005:
        return ""
    points = f"{100 * (now - then):+.0f}".replace("-", "−")
    return f"{points} {'point' if points[1:] == '1' else 'points'} since {day(since)}"


def contract_end(case: Case, account: Account, today: date) -> str:
    """When the contract ends or renews, from today: ``leaves in 9 days``, ``overdue by 3 days``, ``in 40 days``."""
    if case.lane == "leaving" and case.ends_on:
        days = (case.ends_on - today).days
        if days == 0:
            return "leaves today"
        return f"leaves in {day_count(days)}" if days > 0 else f"left {day_count(-days)} ago"
    if account.renews_on and account.renews_on < today:
        return f"overdue by {day_count((today - account.renews_on).days)}"
    return countdown(account.renews_on, today)


def countdown(until: date | None, today: date | None) -> str:
    """How far a day lies from another: ``in 12 days``, ``today``, ``5 days ago``; empty where unknown."""
    if until is None or today is None:
        return ""
    days = (until - today).days
    if days == 0:
        return "today"
    length = day_count(abs(days))
    return f"in {length}" if days > 0 else f"{length} ago"


def day_count(days: float) -> str:
    """A number of days with its unit."""
    return f"{days:.0f} {'day' if round(days) == 1 else 'days'}"


def span_text(first: datetime, last: datetime) -> str:
    """A span of local time, until just before ``last``: ``29 Jun 2026 – 3 Jul 2026`` for whole days."""
    if (first.hour, first.minute, last.hour, last.minute) == (0, 0, 0, 0):
        end = last - timedelta(days=1)
        return day(first.date()) if end.date() <= first.date() else f"{day(first.date())} – {day(end.date())}"
    return f"{day(first.date())}, {first:%H:%M} – {day(last.date())}, {last:%H:%M}"


def reader_time(at: datetime, zone: str) -> str:
    """An instant in a time zone that the page names once: ``2 Mar 2026, 14:00``."""
    local = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    return f"{day(local.date())}, {local:%H:%M}"


def reader_day(at: datetime, zone: str) -> str:
    """The day of an instant in a time zone: ``2 Mar 2026``."""
    return day(at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date())


def mail_address(text: str | None) -> str:
    """The text where it is a plain mail address that can become a link; else empty."""
    return text if text and re.fullmatch(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+", text) else ""


def phone_digits(text: str | None) -> str:
    """A telephone number as a link dials it; empty where it is none."""
    digits = re.sub(r"[\s()./\-]", "", text or "")
    return digits if re.fullmatch(r"\+?\d{3,20}", digits) else ""
