"""Messages to whoever runs Rescue: a night that failed, stopped or is missing, late feeds, messages that are dead.

They are rows of the outbox like every other message, so none is lost, and each is sent once: its id is computed from
what it is about. The setting ``operations`` names their channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from serving.delivery.outbox import message_id
from serving.night_report.report_text import day_text, plural
from serving.store import Session
from serving.store.exchange import Message
from serving.store.tables import NightRow

NIGHT_FAILED, NIGHT_STOPPED = "operations.night_failed", "operations.night_stopped"
NIGHT_MISSING, FEED_LATE = "operations.night_missing", "operations.feed_late"
DEAD_LETTERS = "operations.dead_letters"

REGULAR_NIGHTS, WITHIN = 3, timedelta(days=14)
"""A night is missed only where nights are a habit: so many recorded ones within so many days."""


@dataclass(frozen=True)
class OperatorMessage:
    """What an operator has to know; ``about`` makes it one message, however often the cause is seen."""

    kind: str
    subject: str
    text: str
    about: tuple[str, ...]


def enqueue_operator_messages(
    session: Session, messages: Sequence[OperatorMessage], channels: Sequence[str], *, at: datetime
) -> int:
    """Add the messages that were not added before; the number of them."""
    added = 0
    for message in messages:
        for channel in channels:
            own = message_id(message.kind, *message.about, channel)
            if session.get(Message, own) is not None:
                continue
            added += 1
            session.add(
                Message(
                    id=own,
                    channel=channel,
                    kind=message.kind,
                    case_id=None,
                    payload={
                        "type": message.kind,
                        "timestamp": at.isoformat() + "Z",
                        "subject": message.subject,
                        "text": message.text,
                        "data": {"headline": message.subject, "about": list(message.about)},
                    },
                    status="pending",
                    attempts=0,
                    created_at=at,
                    next_at=at,
                )
            )
    return added


def night_message(as_of: date, attempt: str, outcome: str, reason: str) -> OperatorMessage:
    """A night that was not recorded, once for each attempt."""
    stopped = outcome == "stopped"
    verb = "was stopped by its data" if stopped else "failed"
    subject = f"The night of {day_text(as_of)} {verb}"
    return OperatorMessage(
        NIGHT_STOPPED if stopped else NIGHT_FAILED,
        subject,
        f"{subject}. {reason}\n\nThe queue is as the night before left it. `rescue status` shows more.\n",
        (as_of.isoformat(), attempt),
    )


def late_feed_message(as_of: date, table: str, sentence: str, since: str) -> OperatorMessage:
    """A feed that is late by its own rhythm, once for each time that it is."""
    return OperatorMessage(FEED_LATE, f"The feed {table} is late", f"{sentence}\n", (table, since))


def missing_nights_message(session: Session, today: date) -> OperatorMessage | None:
    """A night that nobody has run, where nights are a habit; ``None`` where none is missing."""
    recorded = select(NightRow.as_of).where(NightRow.status == "recorded").order_by(NightRow.as_of.desc())
    nights = list(session.scalars(recorded.limit(REGULAR_NIGHTS)))
    if len(nights) < REGULAR_NIGHTS or nights[0] - nights[-1] > WITHIN or today - nights[0] < timedelta(days=2):
        return None
    days = (today - nights[0]).days - 1
    subject = f"{plural(days, 'night')} {'is' if days == 1 else 'are'} missing since {day_text(nights[0])}"
    text = f"{subject}: no night was recorded since. `rescue status` shows the last attempt.\n"
    return OperatorMessage(NIGHT_MISSING, subject, text, (nights[0].isoformat(), today.isoformat()))


def dead_letters_message(session: Session, today: date) -> OperatorMessage | None:
    """Messages that could not be delivered since the last such message of the day; those to operators do not count."""
    dead = select(Message.channel, func.count()).where(Message.status == "dead", Message.kind.not_like("operations.%"))
    counts = dict(session.execute(dead.group_by(Message.channel)).tuples().all())
    if not counts:
        return None
    total = sum(counts.values())
    subject = f"{plural(total, 'message')} could not be delivered"
    channels = ", ".join(f"{count} to {channel}" for channel, count in sorted(counts.items()))
    text = f"{subject}: {channels}. `rescue deliver --dead` lists them, `rescue deliver --replay ID` sends one again.\n"
    return OperatorMessage(DEAD_LETTERS, subject, text, (today.isoformat(), str(total)))
