"""One POST, as every web channel makes it: to checked addresses, with one deadline, and with errors without secrets."""

import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from serving.delivery.channel import DeliveryError
from serving.delivery.web_requests.deadline import Deadline
from serving.delivery.web_requests.guarded_request import header_fields, request_once

TIMEOUT = 10.0
"""Seconds for one message, its redirects included."""
HOPS = 3
SAME_METHOD = frozenset({307, 308})
"""The redirects that keep a POST a POST; the others would arrive without the message."""

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs, and a chat's webhook URL is a secret


def post(
    url: str, body: str, headers: Mapping[str, str], *, allowed: Collection[str], timeout: float = TIMEOUT
) -> None:
    """Post ``body`` to ``url``; anything but a 2xx answer within ``timeout`` seconds is a :class:`DeliveryError`.

    A redirect is followed within the same origin only: elsewhere the message would reach somebody that no setting
    names.
    """
    deadline = Deadline(timeout)
    target = httpx.URL(url)
    for _ in range(HOPS + 1):
        status, answer = request_once(
            "POST", target, headers, _status, allowed=allowed, deadline=deadline, content=body.encode()
        )
        if status not in SAME_METHOD or "location" not in answer:
            return _check_status(status, answer)
        target = _same_origin(target, answer["location"])
    raise DeliveryError(f"The receiver redirects more than {HOPS} times.", permanent=True)


def _status(response: httpcore.Response) -> tuple[int, dict[str, str]]:
    """The status and the header fields; the body of the answer is not read, however long it is."""
    return response.status, header_fields(response)


def _same_origin(url: httpx.URL, location: str) -> httpx.URL:
    try:
        target = url.join(location)
    except httpx.InvalidURL:
        raise DeliveryError("The receiver redirects to an address that cannot be read.", permanent=True) from None
    if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
        raise DeliveryError("The receiver redirects to another host: set its new URL.", permanent=True)
    return target


def _check_status(status: int, answer: Mapping[str, str]) -> None:
    if 200 <= status < 300:
        return
    if status == 410:
        raise DeliveryError("The receiver is gone (410).", permanent=True)
    if 300 <= status < 400:
        raise DeliveryError(f"The receiver has moved ({status}): set its new URL.", permanent=True)
    raise DeliveryError(f"The receiver answered {status}.", retry_after=read_retry_after(answer.get("retry-after")))


def read_retry_after(value: str | None) -> float | None:
    """Seconds of a ``Retry-After``, from a number of seconds or a date; None where it says neither."""
    if value is None:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
