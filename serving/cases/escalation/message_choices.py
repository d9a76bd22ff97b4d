"""What people chose about messages: read, checked against the policy and the person's addresses, and stored."""

from collections.abc import Collection, Mapping
from datetime import datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.paths.calendars import WEEKDAYS
from serving.paths.digests.digest_schedule import (
    DEFAULT_CHOICES,
    MessageChoices,
    PersonalKind,
    parse_time,
    parse_weekdays,
)
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.database import Store
from serving.store.exchange import MessagePreference


def policy_choices(rules: PolicyFile | None) -> MessageChoices:
    """What holds for people who have chosen nothing."""
    return rules.digest.choices if rules is not None and rules.digest is not None else DEFAULT_CHOICES


def load_choices(session: Session, rules: PolicyFile | None) -> dict[str, MessageChoices]:
    """The choices of everybody who has made any, by person; what is not chosen is the policy's."""
    default = policy_choices(rules)
    return {row.person: _choices(row, default) for row in session.scalars(select(MessagePreference))}


def choices_of(session: Session, person: str, rules: PolicyFile | None) -> MessageChoices:
    """The choices of one person."""
    row = session.get(MessagePreference, person)
    return _choices(row, policy_choices(rules)) if row is not None else policy_choices(rules)


def allowed_channels(rules: PolicyFile | None, addresses: Collection[str]) -> tuple[str, ...]:
    """The channels that a person may choose: those with an address of theirs that the policy allows."""
    allowed = rules.digest.channels if rules is not None and rules.digest is not None else ()
    return tuple(channel for channel in addresses if not allowed or channel in allowed)


def save_choices(
    store: Store, person: str, given: Mapping[str, object], channels: Collection[str], *, now: datetime
) -> MessagePreference:
    """Store the choices of a person: ``digest``, ``at``, ``weekdays``, ``channel`` and ``immediate``.

    Raises:
        UsageError: a time, a day, a channel or a kind that there is not.
    """
    at, weekdays, immediate = _time(given.get("at")), _weekdays(given.get("weekdays")), _kinds(given.get("immediate"))
    channel = str(given.get("channel") or "") or None
    if channel is not None and channel not in channels:
        raise UsageError(f"The channel {channel} cannot be chosen: choose one of {', '.join(channels) or 'none'}.")
    with store.transaction() as session:
        row = session.get(MessagePreference, person, with_for_update=True)
        row = row or MessagePreference(person=person)
        row.digest = bool(given.get("digest", True))
        row.at, row.weekdays = f"{at:%H:%M}", [WEEKDAYS[day] for day in weekdays]
        row.channel, row.immediate, row.updated_at = channel, immediate, now
        session.add(row)
    return row


def reset_choices(store: Store, person: str) -> None:
    """Forget the choices of a person: what the policy says holds again."""
    with store.transaction() as session:
        row = session.get(MessagePreference, person, with_for_update=True)
        if row is not None:
            session.delete(row)


def _choices(row: MessagePreference, default: MessageChoices) -> MessageChoices:
    known = set(PersonalKind)
    kinds = None if row.immediate is None else frozenset(PersonalKind(it) for it in row.immediate if it in known)
    return MessageChoices(
        digest=row.digest,
        at=parse_time(row.at) if row.at else default.at,
        weekdays=parse_weekdays(row.weekdays) if row.weekdays else default.weekdays,
        channel=row.channel or default.channel,
        immediate=default.immediate if kinds is None else kinds,
    )


def _time(value: object) -> time:
    try:
        return parse_time(str(value or ""))
    except ValueError:
        raise UsageError(f"The time {str(value or '')!r} cannot be read: write it like 08:00.") from None


def _weekdays(value: object) -> tuple[int, ...]:
    words = [str(word) for word in value] if isinstance(value, list | tuple) else []
    try:
        days = parse_weekdays(words)
    except ValueError:
        raise UsageError(f"The days {', '.join(words)} cannot be read: write them like mon, tue.") from None
    if not days:
        raise UsageError("Choose at least one day, or switch the digest off.")
    return days


def _kinds(value: object) -> list[str]:
    words = [str(word) for word in value] if isinstance(value, list | tuple) else []
    unknown = sorted(set(words) - set(PersonalKind))
    if unknown:
        raise UsageError(f"There is no kind of message {unknown[0]!r}: they are {', '.join(PersonalKind)}.")
    return sorted(set(words))
