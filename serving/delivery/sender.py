"""Emptying the outbox: every message arrives at least once, repeats carry the same id, and what cannot arrive is kept.

A sender takes one message at a time by moving its next attempt ahead (a lease), sends it outside any transaction, and
notes how it went. If it dies in between, the lease runs out and the message is sent again. Failures wait longer each
time, in the database and not in a process, so that a restart neither forgets nor hurries them; after the last attempt
a message is a dead letter until somebody replays it. A hiccup is not a failure yet: within an attempt a letter is tried
a few times in quick succession. A channel that fails several letters in a row rests until the next run, so that a
receiver that hangs holds up a night for half a minute and not for hours.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import stamina
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.delivery.channel import Channel, DeliveryError, Letter
from serving.store.database import Store, utcnow
from serving.store.exchange import Message
from serving.store.tables import FrozenHandoff

MESSAGE_LEASE = timedelta(minutes=5)
ATTEMPTS = 10
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=12)
RETRY_WITHIN_ATTEMPT: dict[str, Any] = {"attempts": 3, "wait_initial": 0.2, "wait_max": 1.0, "timeout": 5.0}
"""How a hiccup is waited out within one attempt; a receiver that took its time to fail is not asked again at once."""
FAILURES = 3
"""Letters in a row that a channel may fail before it rests."""
WITH_HANDOFF = ("case.opened", "case.raised")

logger = logging.getLogger(__name__)
jitter = Random()  # noqa: S311 - spreads retries, guards nothing


@dataclass
class DeliveryReport:
    """How many messages were sent, will be tried again, are dead, or wait for a channel that is not set up.

    ``resting`` are the channels that failed several letters in a row and were asked for no more in this run.
    """

    sent: int = 0
    retried: int = 0
    dead: int = 0
    unrouted: int = 0
    resting: list[str] = field(default_factory=list)


def deliver(
    store: Store,
    channels: Mapping[str, Channel],
    *,
    replay: str | None = None,
    clock: Callable[[], datetime] = utcnow,
) -> DeliveryReport:
    """Send every message that is due; with ``replay``, that one message again, whatever became of it before."""
    if replay is not None:
        _revive(store, replay, clock())
    done = DeliveryReport()
    failed = dict.fromkeys(channels, 0)
    awake = dict(channels)
    while (letter := _take(store, awake, clock(), replay)) is not None:
        channel, message = letter
        failure = _attempt(channels[channel], message)
        _note(store, message, failure, clock(), done)
        failed[channel] = failed[channel] + 1 if failure and not failure.permanent else 0
        if failed[channel] >= FAILURES:
            done.resting.append(channel)
            del awake[channel]
    done.unrouted = _unrouted(store, channels)
    return done


def _revive(store: Store, message_id: str, now: datetime) -> None:
    with store.transaction() as session:
        message = session.get(Message, message_id, with_for_update=True)
        if message is None:
            raise UsageError(f"There is no message {message_id!r} in the outbox.")
        message.status, message.attempts, message.next_at, message.error = "pending", 0, now, None


def _take(store: Store, channels: Mapping[str, Channel], now: datetime, only: str | None) -> tuple[str, Letter] | None:
    due = select(Message).where(Message.status == "pending", Message.next_at <= now, Message.channel.in_(channels))
    if only is not None:
        due = due.where(Message.id == only)
    first = due.order_by(Message.next_at, Message.id).limit(1).with_for_update(skip_locked=True)
    with store.transaction() as session:
        message = session.scalar(first)
        if message is None:
            return None
        message.next_at, message.attempts = now + MESSAGE_LEASE, message.attempts + 1
        return message.channel, _letter(session, message)


def _letter(session: Session, message: Message) -> Letter:
    payload = message.payload
    handoff = None
    if message.kind in WITH_HANDOFF:
        as_of = datetime.fromisoformat(payload["data"]["as_of"]).date()
        handoff = session.scalar(
            select(FrozenHandoff.content).where(FrozenHandoff.case_id == message.case_id, FrozenHandoff.as_of == as_of)
        )
    return Letter(message.id, message.kind, payload["timestamp"], payload["data"], handoff)


def _attempt(channel: Channel, letter: Letter) -> DeliveryError | None:
    """How sending went. A channel that breaks in a way of its own must not hold up the letters behind it."""
    try:
        for attempt in stamina.retry_context(on=_hiccup, **RETRY_WITHIN_ATTEMPT):
            with attempt:
                channel.send(letter)
    except DeliveryError as error:
        return error
    except Exception as error:
        return DeliveryError(f"The channel itself failed ({type(error).__name__}).")
    return None


def _hiccup(error: Exception) -> bool:
    """Whether it may be over in a moment: neither final, nor with a wish of the receiver's own."""
    return isinstance(error, DeliveryError) and not error.permanent and error.retry_after is None


def _note(store: Store, letter: Letter, failure: DeliveryError | None, now: datetime, done: DeliveryReport) -> None:
    with store.transaction() as session:
        message = session.get_one(Message, letter.id, with_for_update=True)
        if failure is None:
            message.status, message.sent_at, message.error = "sent", now, None
            done.sent += 1
            return
        message.error = str(failure)
        if failure.permanent or message.attempts >= ATTEMPTS:
            message.status = "dead"
            done.dead += 1
        else:
            message.next_at = now + retry_delay(message.attempts, failure.retry_after)
            done.retried += 1
        logger.warning("message %s to %s: %s (%s)", message.id, message.channel, failure, message.status)


def retry_delay(attempts: int, retry_after: float | None = None) -> timedelta:
    """How long until the next attempt: doubling from half a minute to half a day, spread by a quarter, never sooner
    than the receiver asked for.
    """
    doubled = min(FIRST_WAIT.total_seconds() * 2.0 ** (attempts - 1), LONGEST_WAIT.total_seconds())
    asked = min(retry_after or 0.0, LONGEST_WAIT.total_seconds())
    return timedelta(seconds=max(doubled * jitter.uniform(1.0, 1.25), asked))


def _unrouted(store: Store, channels: Mapping[str, Channel]) -> int:
    query = select(func.count()).where(Message.status == "pending", Message.channel.not_in(channels))
    with store.reading() as session:
        return session.scalar(query) or 0
