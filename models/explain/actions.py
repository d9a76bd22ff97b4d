"""What a team can move at an account, as data: solved tickets, a return to the use of a month ago, a paid invoice.

A lever moves all features that describe one thing together, so that the account stays one that could exist: with two
open tickets solved, the oldest one and the one that waits longest change too. It never goes beyond the account's own
past or an empty desk: use returns to what it was in the four weeks before, not to another customer's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Row = Mapping[str, object]
Moved = dict[str, object]

OPEN_TICKET_AGES = ("ticket_oldest_open_days", "ticket_longest_wait_days", "ticket_silence_days")
USE_IN_28_DAYS = {
    "usage_events_28d": "usage_events_change_28d",
    "usage_minutes_28d": "usage_minutes_change_28d",
    "usage_active_days_28d": "usage_active_days_change_28d",
    "usage_users_28d": "usage_users_change_28d",
    "usage_features_28d": "usage_features_change_28d",
}
"""Each measure of the last four weeks, and its change against the four before."""


@dataclass(frozen=True)
class Lever:
    """One thing a team can bring about. ``move`` gives the columns it changes, or None where there is nothing to do."""

    name: str
    move: Callable[[Row], Moved | None]
    sentence: Callable[[Row], str]


def number(row: Row, name: str) -> float:
    """The value of a numeric column; 0 where it is missing or the frame has no such column."""
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _solve(count: float) -> Callable[[Row], Moved | None]:
    """``count`` open tickets solved, the oldest and longest waiting first; more than are open is nothing to do."""

    def move(row: Row) -> Moved | None:
        before = number(row, "tickets_open")
        if before < count:
            return None
        left = before - count
        capped = {name: min(number(row, name), left) for name in ("tickets_waiting", "tickets_open_urgent")}
        ages = {name: None if left == 0 else row.get(name) for name in OPEN_TICKET_AGES}
        return {"tickets_open": left, **capped, **ages}

    return move


def _use_again(row: Row) -> Moved | None:
    """One day of use this week by an account that had none."""
    if number(row, "usage_recency_days") <= 7:
        return None
    days = {name: number(row, name) + 1 for name in ("usage_active_days_7d", "usage_active_days_28d")}
    return {"usage_recency_days": 1.0, **days}


def _use_as_before(row: Row) -> Moved | None:
    """Every measure of use that fell goes back to its level of the four weeks before."""
    moved: Moved = {}
    for level, change in USE_IN_28_DAYS.items():
        fell = number(row, change)
        if -1 < fell < -0.05:
            moved |= {level: number(row, level) / (1 + fell), change: 0.0}
    if moved:
        moved |= {name: 0.0 for name in ("usage_users_lost_28d", "usage_features_lost_28d") if number(row, name)}
        moved |= {"usage_recency_days": min(1.0, number(row, "usage_recency_days"))}
    return moved or None


def _pay(row: Row) -> Moved | None:
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


def _calm(row: Row) -> Moved | None:
    """Every escalation that stands is settled."""
    if not number(row, "escalations_open"):
        return None
    return {"escalations_open": 0.0, "escalation_oldest_open_days": None}


def _own(row: Row) -> Moved | None:
    """The account gets an owner."""
    return {"account_has_owner": 1.0} if row.get("account_has_owner") == 0 else None


def _counted(name: str, thing: str, done: str) -> Callable[[Row], str]:
    def sentence(row: Row) -> str:
        count = round(number(row, name))
        return f"{_spoken(count)} {thing}{'' if count == 1 else 's'} {done}"

    return sentence


def _spoken(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six")
    return words[count] if count < len(words) else str(count)


def _solved(count: int) -> Lever:
    told = f"{_spoken(count)} open ticket{'' if count == 1 else 's'} solved"
    return Lever("tickets", _solve(count), lambda row: told)


LEVERS: tuple[Lever, ...] = (
    *(_solved(count) for count in (1, 2, 3, 5, 8)),
    Lever("use", _use_again, lambda row: "a day of use this week"),
    Lever("use", _use_as_before, lambda row: "use back at the level of the four weeks before"),
    Lever("invoices", _pay, _counted("invoices_overdue", "overdue invoice", "paid")),
    Lever("escalations", _calm, _counted("escalations_open", "open escalation", "settled")),
    Lever("owner", _own, lambda row: "an owner on our side"),
)
"""Of the levers of one name at most one is pulled; the smaller step stands first."""
