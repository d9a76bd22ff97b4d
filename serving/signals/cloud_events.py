"""Signals as CloudEvents (structured and batch), and in the form of Standard Webhooks.

The type of an event is the signal's kind. The other fields of a signal are keys of ``data``, for example
``{"account_id": "a-17", "product": "shop"}``; extension attributes of CloudEvents have the same names without the
underscore (``accountid``). A source and an id together name an event, so they are the id of the signal.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from features.errors import UsageError
from serving.signals.signal_fields import OPTIONAL_FIELDS, AcceptedTimes, Signal, SignalError, make_signal

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON_TYPE = "application/json"

MOST_IN_REQUEST = 10_000
"""Signals of one request."""

_JSON: TypeAdapter[Any] = TypeAdapter(Any)


class UnreadableBodyError(UsageError):
    """The body is not JSON, or not of the form that its content type says."""


class TooManySignalsError(UsageError):
    """A request has more signals than :data:`MOST_IN_REQUEST`."""


def parse_json(body: bytes) -> Any:
    """The body as JSON.

    Raises:
        UnreadableBodyError: it is not JSON; the message does not repeat it.
    """
    try:
        return _JSON.validate_json(body)
    except (ValidationError, RecursionError):
        raise UnreadableBodyError("The body is not JSON: correct it and send it again.") from None


def read_events(
    content: Any, accepted: AcceptedTimes, now: datetime, *, webhook_id: str = "", batch: bool | None = None
) -> list[Signal]:
    """The signals of a body; ``batch`` says what its content type demands, None for either.

    ``webhook_id`` is the id of a message in the form of Standard Webhooks (``type``, ``timestamp``, ``data``), which
    has none in its body.

    Raises:
        UnreadableBodyError: it is no event and no list of events.
        TooManySignalsError: there are too many.
        SignalError: one of them is not valid; none is accepted then.
    """
    if isinstance(content, list) and batch is not False:
        refuse_too_many(content)
        return [_read_event(event, accepted, now, f"Signal {place}", "") for place, event in enumerate(content, 1)]
    if isinstance(content, dict) and batch is not True:
        return [_read_event(content, accepted, now, "The signal", webhook_id)]
    raise UnreadableBodyError(f"The body has to be one CloudEvent, or with {BATCH} a list of them.")


def refuse_too_many(items: Sequence[Any]) -> None:
    """Raise :class:`TooManySignalsError` for a longer list than one request may have."""
    if len(items) > MOST_IN_REQUEST:
        raise TooManySignalsError(f"A request can have at most {MOST_IN_REQUEST:,} signals: send several requests.")


def _read_event(event: Any, accepted: AcceptedTimes, now: datetime, place: str, webhook_id: str) -> Signal:
    if not isinstance(event, dict):
        raise SignalError(f"{place} is not a CloudEvent.")
    data = event.get("data")
    if "data_base64" in event or (data is not None and not isinstance(data, dict)):
        raise SignalError(f"{place}: data has to be a JSON object.")
    if webhook_id and "specversion" not in event:
        event = {"id": webhook_id, "source": "webhook", "time": event.get("timestamp"), **event}
    elif event.get("specversion") != "1.0":
        raise SignalError(f'{place} is not a CloudEvent of version "1.0" (specversion).')
    for name in ("id", "source", "type"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise SignalError(f"{place} has no {name}, which a CloudEvent needs.")
    values = _fields(event, data or {})
    values |= {"kind": event["type"], "source": event["source"], "signal_id": f"{event['source']}/{event['id']}"}
    values["occurred_at"] = event.get("time") or now
    return make_signal(values, accepted, place)


def _fields(event: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The optional fields: those of ``data``, else extension attributes."""
    return {name: data.get(name, event.get(name.replace("_", ""))) for name in OPTIONAL_FIELDS}
