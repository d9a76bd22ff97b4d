"""Sending the weekly report: on Monday morning, to whoever the policy names, once each.

Whatever runs first on that morning writes the mails: the timers, the night, or a delivery. The id of a mail is computed
from its week and its address, so a second process, a restart or a crash cannot send it twice. Who was down on Monday
sends it until Wednesday; after that the page of the week is the report.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from serving.delivery.outbox import message_id
from serving.policy.definition.people.weekly_rule import weekly_addresses
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.database import Store
from serving.store.exchange import Message
from serving.weekly.weekly_figures import WeeklyFigures, last_complete_week, measure_week
from serving.weekly.weekly_mail import WeeklyMail, write_mail
from serving.weekly.weekly_text import write_week

KIND = "report.weekly"
LAST_DAY = 2
"""The weekday on which a report that could not be sent on Monday is still sent: Wednesday."""


@dataclass(frozen=True)
class WeeklyQueued:
    """The mails that were written. ``problem`` is why none can be, where the policy asks for them."""

    monday: date | None = None
    recipients: tuple[str, ...] = ()
    problem: str = ""


def queue_weekly(store: Store, rules: PolicyFile, timezone: str, now: datetime) -> WeeklyQueued:
    """Write the mails of the last week that are due and not written yet; ``now`` is naive UTC."""
    rule = rules.weekly
    if rule is None:
        return WeeklyQueued()
    local = now.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone))
    if local.weekday() > LAST_DAY or (local.weekday() == 0 and local.hour < rule.hour):
        return WeeklyQueued()
    return send_week(store, rules, last_complete_week(local.date()), now)


def send_week(store: Store, rules: PolicyFile, monday: date, now: datetime) -> WeeklyQueued:
    """Write the mails of a week to everybody in ``[weekly]`` who has none of it yet."""
    channel = mail_channel_of(store)
    if rules.weekly is None:
        return WeeklyQueued(problem="The policy names nobody for the weekly report: add [weekly] with `to`.")
    if channel is None:
        return WeeklyQueued(
            problem="The weekly report is sent by mail, and no channel of the kind email is configured."
        )
    wanted = {
        message_id("weekly", monday.isoformat(), address): (name, address)
        for name, address in weekly_addresses(rules.roster, rules.weekly.to, channel).items()
    }
    with store.reading() as session:
        written = set(session.scalars(select(Message.id).where(Message.id.in_(wanted))))
        missing = {key: reader for key, reader in wanted.items() if key not in written}
        if not missing:
            return WeeklyQueued(monday)
        figures = measure_week(session, monday, now, None, loss_titles(rules))
    mail = write_mail(write_week(figures, now.date()), week_link(store, figures), names=False)
    try:
        with store.transaction() as session:
            for key, (name, address) in missing.items():
                session.add(_message(key, channel, name, address, mail, figures, now))
    except IntegrityError:  # another process wrote them in the same moment
        return WeeklyQueued(monday)
    return WeeklyQueued(monday, tuple(sorted(name for name, _ in missing.values())))


def loss_titles(rules: PolicyFile | None) -> dict[str, str]:
    """The titles of the reasons for losses, by code."""
    rule = rules.outcomes.get("lost") if rules is not None else None
    return dict(rule.reasons) if rule is not None else {}


def week_link(store: Store, figures: WeeklyFigures) -> str:
    """The page of a week; empty where the address of the review app is not set."""
    address = store.messages.address
    return f"{address.rstrip('/')}/weekly?week={figures.code}" if address else ""


def mail_channel_of(store: Store) -> str | None:
    """The first configured channel for mail; None where there is none."""
    channels = store.messages.channels or {}
    return next((name for name, kind in channels.items() if kind == "email"), None)


def _message(
    key: str, channel: str, name: str, address: str, mail: WeeklyMail, figures: WeeklyFigures, now: datetime
) -> Message:
    return Message(
        id=key,
        channel=channel,
        kind=KIND,
        recipient=address,
        payload={
            "timestamp": now.isoformat() + "Z",
            "data": {"headline": mail.subject, "week": figures.code},
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
            "to": name,
        },
        status="pending",
        attempts=0,
        created_at=now,
        next_at=now,
    )


def recipients_text(rules: PolicyFile | None) -> str:
    """Who gets the report, in a sentence; empty where nobody does."""
    names = rules.weekly.to if rules is not None and rules.weekly is not None else ()
    return f"It is sent by mail on Monday morning to {', '.join(names)}." if names else ""
