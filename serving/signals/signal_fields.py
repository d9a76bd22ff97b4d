"""One signal, checked: what happened, when, to whom; and the sentence about what is wrong with one.

A sender gets one clear answer, and a batch with one bad signal is refused whole. So a retry after a correction is
complete, and nothing is half written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from features.errors import UsageError

LONGEST_FIELD = 200
LONGEST_MESSAGE = 2000
"""Characters of the message that are stored; a longer one is cut, because log lines have no limit."""

AHEAD = timedelta(minutes=5)
"""How far the clock of a sender may be ahead."""

RESOLVED = "resolved"
"""The status of a signal that reports the end of a problem: it is stored and never counted."""


class SignalError(UsageError):
    """A signal is not valid; the message names it by its place and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal; times are naive UTC. ``signal_id`` is unique for its sender: the same id again is the same signal."""

    signal_id: str
    occurred_at: datetime
    source: str
    kind: str
    product: str | None = None
    service: str | None = None
    environment: str | None = None
    severity: str | None = None
    status: str | None = None
    code: str | None = None
    fingerprint: str | None = None
    account_id: str | None = None
    user_id: str | None = None
    region: str | None = None
    message: str | None = None
    value: float | None = None


TEXT_FIELDS = tuple(one.name for one in fields(Signal) if one.name not in ("occurred_at", "value", "message"))
OPTIONAL_FIELDS = tuple(one.name for one in fields(Signal))[4:]
REQUIRED_FIELDS = ("signal_id", "source", "kind")


@dataclass(frozen=True)
class AcceptedTimes:
    """When a signal may have happened: not before ``oldest``, and not after ``latest``."""

    oldest: datetime
    latest: datetime
    keep_days: int

    @classmethod
    def at(cls, now: datetime, keep_days: int) -> "AcceptedTimes":
        """What is accepted at ``now``, naive UTC: signals are kept for ``keep_days``."""
        return cls(now - timedelta(days=keep_days), now + AHEAD, keep_days)


def make_signal(values: Mapping[str, Any], accepted: AcceptedTimes, place: str) -> Signal:
    """A signal from its fields; further keys are left out. ``place`` names it in messages, such as ``signal 3``.

    Raises:
        SignalError: a field is missing, too long or of another type, or the time is not accepted.
    """
    known: dict[str, Any] = {name: _text(values.get(name), name, place) for name in TEXT_FIELDS}
    for name in REQUIRED_FIELDS:
        if not known[name]:
            raise SignalError(f"{place} has no {name}.")
    known["message"] = _message(values.get("message"), place)
    known["value"] = _number(values.get("value"), place)
    return Signal(occurred_at=_time(values.get("occurred_at"), accepted, place), **known)


def read_time(value: Any, place: str, *, zone_needed: bool = True) -> datetime:
    """A time as naive UTC: ISO 8601 with a zone, or seconds or milliseconds since 1970.

    Raises:
        SignalError: it is not a time, or has no zone although it needs one.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _since_1970(float(value))
        if isinstance(value, datetime):
            found = value
        elif str(value).strip().replace(".", "", 1).isdecimal():
            return _since_1970(float(str(value)))
        else:
            found = datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        raise SignalError(f"{place} has a time that cannot be read: write 2026-03-01T12:00:00Z.") from None
    if found.tzinfo is None:
        if zone_needed:
            raise SignalError(f"{place} has a time without a time zone: write 2026-03-01T12:00:00Z.")
        return found
    try:
        return found.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise SignalError(f"{place} has a time that does not exist.") from None


def _since_1970(number: float) -> datetime:
    seconds = number / 1000 if number >= 100_000_000_000 else number
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _time(value: Any, accepted: AcceptedTimes, place: str) -> datetime:
    if value is None:
        raise SignalError(f"{place} has no time.")
    at = read_time(value, place, zone_needed=not isinstance(value, datetime))
    if at < accepted.oldest:
        raise SignalError(
            f"{place} is too old: signals of the last {accepted.keep_days} days are kept (signals.keep_days)."
        )
    if at > accepted.latest:
        raise SignalError(f"{place} is of the future: check the clock of its sender.")
    return at


def _text(value: Any, name: str, place: str) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        raise SignalError(f"{place}: {name} has to be a text.")
    if len(value) > LONGEST_FIELD:
        raise SignalError(f"{place}: {name} is longer than {LONGEST_FIELD} characters.")
    return _storable(value.strip(), name, place) or None


def _message(value: Any, place: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise SignalError(f"{place}: message has to be a text.")
    return _storable(value, "message", place)[:LONGEST_MESSAGE] or None


def _storable(text: str, name: str, place: str) -> str:
    """The text, unless the database cannot store it."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise SignalError(f"{place}: {name} has a character that cannot be stored.")
    return text


def _number(value: Any, place: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise SignalError(f"{place}: value has to be a number.") from None
    if isinstance(value, bool) or not isfinite(number):
        raise SignalError(f"{place}: value has to be a number.")
    return number
