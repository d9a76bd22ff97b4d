"""What a team can change for an account, as data: solved tickets, usage as a month ago, a paid invoice.

An action changes all features that describe one thing together, so that the changed account could exist: with two open
tickets solved, the oldest one and the one that waits longest change too. It never goes beyond the account's own past or
zero open tickets: usage returns to what it was in the four weeks before, not to another customer's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Row = Mapping[str, object]
Changes = dict[str, object]
"""The columns that an action changes, with their new values."""

OPEN_TICKET_AGES = ("ticket_oldest_open_days", "ticket_longest_wait_days", "ticket_silence_days")
USAGE_28_DAYS = {
    "usage_events_28d": "usage_events_change_28d",
    "usage_minutes_28d": "usage_minutes_change_28d",
    "usage_active_days_28d": "usage_active_days_change_28d",
    "usage_users_28d": "usage_users_change_28d",
    "usage_features_28d": "usage_features_change_28d",
}
"""Each measure of the last four weeks, and its change against the four before."""


@dataclass(frozen=True)
class Action:
    """Something a team can do. ``apply`` gives the columns that it changes, or None where nothing is to be done."""

    name: str
    apply: Callable[[Row], Changes | None]
    sentence: Callable[[Row], str]


def number(row: Row, name: str) -> float:
    """The value of a numeric column; 0 where it is missing or the frame has no such column."""
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _solve_tickets(count: float) -> Callable[[Row], Changes | None]:
    """``count`` open tickets solved, the oldest and longest waiting first; more than are open is nothing to do."""

    def apply(row: Row) -> Changes | None:
        before = number(row, "tickets_open")
        if before < count:
            return None
        left = before - count
        capped = {name: min(number(row, name), left) for name in ("tickets_waiting", "tickets_open_urgent")}
        ages = {name: None if left == 0 else row.get(name) for name in OPEN_TICKET_AGES}
        return {"tickets_open": left, **capped, **ages}

    return apply


def _use_once(row: Row) -> Changes | None:
    """One day of usage this week by an account that had none."""
    if number(row, "usage_recency_days") <= 7:
        return None
    days = {name: number(row, name) + 1 for name in ("usage_active_days_7d", "usage_active_days_28d")}
    return {"usage_recency_days": 1.0, **days}


def _restore_usage(row: Row) -> Changes | None:
    """Every measure of usage that fell goes back to its level of the four weeks before."""
    changed: Changes = {}
    for level, change in USAGE_28_DAYS.items():
        fell = number(row, change)
        if -1 < fell < -0.05:
            changed |= {level: number(row, level) / (1 + fell), change: 0.0}
    if changed:
        changed |= {name: 0.0 for name in ("usage_users_lost_28d", "usage_features_lost_28d") if number(row, name)}
        changed |= {"usage_recency_days": min(1.0, number(row, "usage_recency_days"))}
    return changed or None


def _pay_invoices(row: Row) -> Changes | None:
    """Every overdue invoice is paid."""
    overdue, amount = number(row, "invoices_overdue"), number(row, "invoices_overdue_amount")
    if not overdue:
        return None
    return {
        "invoices_overdue": 0.0,
        "invoices_overdue_amount": 0.0,
        "invoices_overdue_share_of_arr": 0.0,
        "invoices_overdue_days": None,
        "invoices_unpaid": max(0.0, number(row, "invoices_unpaid") - overdue),
        "invoices_unpaid_amount": max(0.0, number(row, "invoices_unpaid_amount") - amount),
    }


def _resolve_escalations(row: Row) -> Changes | None:
    """Every open escalation is resolved."""
    if not number(row, "escalations_open"):
        return None
    return {"escalations_open": 0.0, "escalation_oldest_open_days": None}


def _assign_owner(row: Row) -> Changes | None:
    """The account gets an owner."""
    return {"account_has_owner": 1.0} if row.get("account_has_owner") == 0 else None


def _counted(name: str, noun: str, done: str) -> Callable[[Row], str]:
    def sentence(row: Row) -> str:
        count = round(number(row, name))
        return f"{_number_word(count)} {noun}{'' if count == 1 else 's'} {done}"

    return sentence


def _number_word(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six")
    return words[count] if count < len(words) else str(count)


def _solved(count: int) -> Action:
    sentence = f"{_number_word(count)} open ticket{'' if count == 1 else 's'} solved"
    return Action("tickets", _solve_tickets(count), lambda row: sentence)


ACTIONS: tuple[Action, ...] = (
    *(_solved(count) for count in (1, 2, 3, 5, 8)),
    Action("use", _use_once, lambda row: "a day of usage this week"),
    Action("use", _restore_usage, lambda row: "usage back at the level of the four weeks before"),
    Action("invoices", _pay_invoices, _counted("invoices_overdue", "overdue invoice", "paid")),
    Action("escalations", _resolve_escalations, _counted("escalations_open", "open escalation", "resolved")),
    Action("owner", _assign_owner, lambda row: "an owner on our side"),
)
"""Of the actions of one name at most one is taken; the smaller ones come first."""
