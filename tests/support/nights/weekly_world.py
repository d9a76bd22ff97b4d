"""A queue with the cases of a week."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from serving.nights.case_updates import case_id
from serving.store import Store
from serving.store.tables import Account, Case
from serving.weekly.weekly_figures import WeeklyFigures, measure_week
from support.nights.night_factory import flag_of, names, record_of, run, simple_decision

MONDAY = date(2026, 6, 22)
NEXT = datetime.fromisoformat("2026-06-29T00:00")
TITLES = {"price": "Price", "product": "Product"}


@dataclass(frozen=True)
class Made:
    """A case: when it was opened, contacted and closed, as days after the Monday, and how it ended."""

    opened: float
    contacted: float | None = None
    closed: float | None = None
    state: str = "claimed"
    amount: float | None = None
    at_stake: float | None = 10_000
    currency: str = "EUR"
    reason: str | None = None
    left: float | None = None
    squad: str = "north"


WEEK = [
    Made(-3, at_stake=50_000),  # open all week, nobody called
    Made(1, 2, at_stake=20_000),  # open, called
    Made(2, 2.5, 4, "saved", amount=7_000),  # the amount counts, not the revenue at stake
    Made(-10, -9, 6.9, "saved"),
    Made(-20, -19, 3, "lost", reason="price", at_stake=30_000),
    Made(-20, None, 5, "lost", reason=None, currency="USD", at_stake=4_000, squad="south"),
    Made(0, None, 1, "no_action"),
    Made(-8, -7, -1, "lost", reason="product"),  # the week before
    Made(3, None, 7.5, "saved", amount=99_000),  # closed in the week after: open at the end of this one
    Made(8, 8.5),  # opened in the week after
    Made(-95, -94, -88, "saved", left=-2),  # its 90 days ended in this week; it left before the end of them
    Made(-95, -94, -88, "saved"),
]


def when(days: float | None) -> datetime | None:
    """So many days after the Monday."""
    return None if days is None else datetime.combine(MONDAY, datetime.min.time()) + timedelta(days=days)


def fill(store: Store, cases: list[Made]) -> None:
    """A queue with these cases."""
    accounts = names(len(cases))
    placed = enumerate(zip(accounts, cases, strict=True))
    flags = tuple(flag_of(name, rank + 1, squad=made.squad) for rank, (name, made) in placed)
    decision = simple_decision([])
    run(store, record_of(accounts, type(decision)(decision.as_of, "p1", flags=flags), channels=()))
    with store.transaction() as session:
        for name, made in zip(accounts, cases, strict=True):
            case = session.get_one(Case, case_id(name, "churn", decision.as_of))
            case.opened_at, case.responded_at, case.closed_at = (
                when(made.opened),
                when(made.contacted),
                when(made.closed),
            )
            case.state, case.outcome_amount, case.at_stake = made.state, made.amount, made.at_stake
            case.outcome_reason, case.version = made.reason, case.version + 1
            left = when(made.left)
            case.left_on = left.date() if left else None
            session.get_one(Account, name).currency = made.currency


def measured(store: Store) -> WeeklyFigures:
    """The figures of the week, three days after it."""
    fill(store, WEEK)
    with store.reading() as session:
        return measure_week(session, MONDAY, NEXT + timedelta(days=3), None, TITLES)
