"""One POST, as every web channel makes it: to checked addresses, with one deadline, and with errors without secrets."""

import logging
from collections.abc import Collection, Mapping
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from serving.delivery.addresses import GuardedBackend
from serving.delivery.channel import DeliveryError
from serving.delivery.deadline import Deadline

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
        status, answer = _once(target, body, headers, allowed, deadline)
        if status not in SAME_METHOD or "location" not in answer:
            return _check_status(status, answer)
        target = _same_origin(target, answer["location"])
    raise DeliveryError(f"The receiver redirects more than {HOPS} times.", permanent=True)


def _once(
    url: httpx.URL, body: str, headers: Mapping[str, str], allowed: Collection[str], deadline: Deadline
) -> tuple[int, Mapping[str, str]]:
    if url.scheme != "https" and not (url.scheme == "http" and url.host in allowed):
        raise DeliveryError("The receiver's URL has to begin with https://.", permanent=True)
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    try:
        with closing(GuardedBackend(allowed, deadline)) as backend:
            seconds = dict.fromkeys(("connect", "read", "write", "pool"), deadline.remaining())
            with (
                httpcore.ConnectionPool(network_backend=backend, http2=False) as pool,
                pool.stream(
                    "POST",
                    target,
                    headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                    content=body.encode(),
                    extensions={"timeout": seconds},
                ) as response,
            ):  # the body of the answer is not read, however long it is
                return response.status, {
                    name.decode().lower(): value.decode("latin-1") for name, value in response.headers
                }
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise DeliveryError("The receiver did not answer in time.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
        if deadline.over:
            raise DeliveryError("The receiver did not answer in time.") from error
        raise DeliveryError(f"The receiver could not be reached ({type(error).__name__}).") from error


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
    raise DeliveryError(f"The receiver answered {status}.", retry_after=_retry_after(answer.get("retry-after")))


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a number of seconds or a date; None where it says neither."""
    if value is None:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
