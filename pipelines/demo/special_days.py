"""What happens on single days of the demo, by days before its last one: troubles of the source, absences, incidents.

They are counted from the end, so that a demo of few nights has the newest of them.
"""

from datetime import date, datetime, timedelta

from features.errors import RescueError
from pipelines.demo.demo_team import TEAM, DemoPerson, demo_texts
from pipelines.demo.work_context import WorkContext
from serving.cases.absence.absence_entries import enter_absence
from serving.incidents.incident_actions import Incidents
from serving.nights.person_case import open_person_case
from serving.signals.signal_fields import AcceptedTimes, make_signal
from serving.signals.signal_intake import add_signals
from serving.store import Store
from serving.store.queries.incident_queries import list_incidents

LATE_FEED = ("health_scores", 19, 15)
"""A feed that delivers nothing, from so many days before the end until so many."""
BROKEN_EXPORT = ("ticket_events", 33, 0.4)
"""An export that breaks off after a share of its rows: the night stops, and is run again when the file is whole."""
ABSENCES = (
    ("farid", 24, 18, "Holiday"),
    ("chloe", 2, -4, "Parental leave of a week"),
    ("grace", -6, -12, "Holiday"),
)
"""Who is away from and until how many days before the end; entered a week before."""
OPENED_BY_PEOPLE = {
    21: ("chloe", "Their director asked for a call; nothing shows in the data yet."),
    4: ("ben", "The champion told me on the phone that budgets are cut."),
}
"""Who opens a case by hand, by days before the end, and why."""
CHECKOUTS_FAIL = 11
EXPORTS_ARE_SLOW = 1
KEEP_DAYS = 30


def enter_absences(store: Store, day: date, days_left: int, nights: int, now: datetime) -> None:
    """Everybody enters a planned absence a week before it begins, not before the first day nor after the last one."""
    people = {person.name: person for person in TEAM}
    for name, first, last, reason in ABSENCES:
        if last < days_left == min(max(first + 7, 1), nights - 1):
            begin, end = day + timedelta(days_left - first), day + timedelta(days_left - last)
            enter_absence(store, people[name].actor, name, begin, end, reason=reason, now=now)


def open_case_by_hand(context: WorkContext, days_left: int) -> None:
    """Somebody opens a case for an account that no night has flagged; accounts that cannot have one are passed over."""
    if days_left not in OPENED_BY_PEOPLE:
        return
    name, reason = OPENED_BY_PEOPLE[days_left]
    actor = next(person.actor for person in TEAM if person.name == name)
    accounts = sorted(context.names)
    context.chance("by hand", days_left).shuffle(accounts)
    for account in accounts[:20]:
        try:
            open_person_case(context.cases.store, account, actor, reason=reason, squad="success", clock=context.clock)
        except RescueError:
            continue
        context.counts["opened_by_hand"] += 1
        return


def send_checkout_signals(context: WorkContext, now: datetime) -> None:
    """Forty customers' checkouts fail within twelve minutes."""
    _send(context, "checkout.failed", "shop", "declined", 40, timedelta(minutes=12), now)


def send_export_signals(context: WorkContext, now: datetime) -> None:
    """A dozen exports time out within an hour and a half."""
    _send(context, "export.timeout", "reports", "timeout", 14, timedelta(minutes=85), now)


def _send(
    context: WorkContext, kind: str, product: str, code: str, count: int, length: timedelta, now: datetime
) -> None:
    """Signals of some accounts, spread evenly over the time before now."""
    random = context.chance(kind, now.date())
    accounts = sorted(context.names)
    affected = random.sample(accounts, min(9, len(accounts)))
    accepted = AcceptedTimes.at(now, KEEP_DAYS)
    signals = [
        make_signal(
            {
                "signal_id": f"{kind}-{now:%Y%m%d}-{place}",
                "occurred_at": (now - length + length * (place + 1) / count).isoformat() + "Z",
                "source": "monitoring",
                "kind": kind,
                "product": product,
                "environment": "production",
                "code": code,
                "account_id": affected[place % len(affected)],
                "user_id": f"u-{place}",
                "message": f"{product}: {code}",
            },
            accepted,
            f"Signal {place + 1}",
        )
        for place in range(count)
    ]
    add_signals(context.cases.store, signals, sender="monitoring", now=now)


def work_incident(context: WorkContext, incidents: Incidents, *, person: DemoPerson, resolve: bool) -> None:
    """Somebody takes the open incident on, writes what is known about its kind, and may end it."""
    with context.cases.store.reading() as session:
        rows = list_incidents(session, state="open")
    for row in rows:
        kind = "exports" if "export" in f"{row.name} {row.title}".lower() else "checkout"
        first, second = demo_texts()[f"incident_{kind}"]
        try:
            if row.acknowledged_at is None:
                incidents.acknowledge(row.id, person.actor)
                context.clock.pass_minutes(6)
                incidents.comment(row.id, person.actor, text=first)
            if resolve:
                context.clock.pass_minutes(25)
                incidents.resolve(row.id, person.actor, comment=second)
        except RescueError as error:
            context.refused.append(f"{context.clock():%Y-%m-%d} {person.name}: {error}")
