"""When a person's morning digest is due, and which messages wait for it.

The policy has a default, and each person may choose another time, other days, a channel and what does not wait. Nobody
can choose that something urgent waits: steps of an escalation path, missed deadlines, and what has to be answered
before the next digest are sent at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from serving.paths.calendars import WEEKDAYS
from serving.paths.protocol import DEFAULT_PROTOCOL, Party, Protocol, ProtocolEvent

MORNING = time(8)
"""When messages that can wait are sent, in the reader's time zone, where the policy says nothing."""
EVERY_DAY = tuple(range(len(WEEKDAYS)))
LONGEST_LATE = timedelta(hours=12)
"""A digest that is later than this, because the timers did not run, is left out: the next one covers its time."""


class PersonalKind(StrEnum):
    """The kinds of messages of which a person chooses whether they wait."""

    NEW = "new"
    ASSIGNED = "assigned"
    MENTIONED = "mentioned"
    HANDED_OVER = "handed_over"
    RETURNED = "returned"


_OWN = (Party.RESPONSIBLE, Party.RECEIVING_SQUAD, Party.MENTIONED)
_KINDS = {
    ProtocolEvent.OPENED: PersonalKind.NEW,
    ProtocolEvent.ASSIGNED: PersonalKind.ASSIGNED,
    ProtocolEvent.MENTIONED: PersonalKind.MENTIONED,
    ProtocolEvent.HANDED_OVER: PersonalKind.HANDED_OVER,
    ProtocolEvent.RETURNED: PersonalKind.RETURNED,
}


@dataclass(frozen=True)
class MessageChoices:
    """What holds for one person's messages; ``weekdays`` count from 0, Monday.

    ``channel`` is preferred where a message names none. ``immediate`` are the kinds that do not wait; None: as the
    protocol says. Without a ``digest``, messages that can wait still arrive at that time, as one.
    """

    digest: bool = True
    at: time = MORNING
    weekdays: tuple[int, ...] = EVERY_DAY
    channel: str | None = None
    immediate: frozenset[PersonalKind] | None = None


DEFAULT_CHOICES = MessageChoices()


def personal_kind(event: ProtocolEvent, party: Party | None) -> PersonalKind | None:
    """The kind of a message to a party; None where the person cannot choose."""
    return _KINDS.get(event) if party in _OWN else None


def immediate_kinds(protocol: Protocol) -> frozenset[PersonalKind]:
    """The kinds that do not wait where a person has chosen nothing."""
    return frozenset(
        kind
        for event, kind in _KINDS.items()
        for party in protocol.get(event, DEFAULT_PROTOCOL[event]).parties
        if party in _OWN and party not in protocol.get(event, DEFAULT_PROTOCOL[event]).daily
    )


def can_wait(choices: MessageChoices, event: ProtocolEvent, party: Party | None, *, daily: bool) -> bool:
    """Whether a message may wait for the digest; ``daily`` is what the protocol says."""
    kind = personal_kind(event, party)
    return daily if kind is None or choices.immediate is None else kind not in choices.immediate


def next_digest(instant: datetime, timezone: str, choices: MessageChoices = DEFAULT_CHOICES) -> datetime:
    """The first time after an instant at which what can wait is sent; UTC without a zone."""
    return next(at for _, at in _digest_times(instant, timezone, choices) if at > instant)


def due_digest(
    instant: datetime, timezone: str, choices: MessageChoices = DEFAULT_CHOICES
) -> tuple[date, datetime] | None:
    """The local day of the digest that is due at an instant, and when it was due; None where none is."""
    day = _local(instant, timezone).date()
    if day.weekday() not in choices.weekdays:
        return None
    at = _at(day, timezone, choices)
    return (day, at) if at <= instant < at + LONGEST_LATE else None


def parse_weekdays(words: Iterator[str] | list[str] | tuple[str, ...]) -> tuple[int, ...]:
    """Weekdays such as ``mon`` as numbers, in order.

    Raises:
        ValueError: one of them is no weekday.
    """
    return tuple(sorted({WEEKDAYS.index(word.strip().lower()[:3]) for word in words}))


def parse_time(text: str) -> time:
    """A time of the day such as ``07:30``.

    Raises:
        ValueError: it is none.
    """
    hour, colon, minute = text.strip().partition(":")
    if not colon:
        raise ValueError(text)
    return time(int(hour), int(minute))


def _digest_times(instant: datetime, timezone: str, choices: MessageChoices) -> Iterator[tuple[date, datetime]]:
    """The digests from the day of an instant on."""
    day = _local(instant, timezone).date()
    while True:
        if day.weekday() in (choices.weekdays or EVERY_DAY):
            yield day, _at(day, timezone, choices)
        day += timedelta(days=1)


def _at(day: date, timezone: str, choices: MessageChoices) -> datetime:
    local = datetime.combine(day, choices.at, ZoneInfo(timezone))
    return local.astimezone(UTC).replace(tzinfo=None)


def _local(instant: datetime, timezone: str) -> datetime:
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone))
