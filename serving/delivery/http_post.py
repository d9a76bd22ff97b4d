"""One POST, as every web channel makes it: to checked addresses, with a deadline, and with errors without secrets."""

import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from serving.delivery.addresses import GuardedTransport
from serving.delivery.channel import DeliveryError

TIMEOUT = 10.0
HOPS = 3
SAME_METHOD = frozenset({307, 308})
"""The redirects that keep a POST a POST; the others would arrive without the message."""

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs, and a chat's webhook URL is a secret


def post(
    url: str, body: str, headers: Mapping[str, str], *, allowed: Collection[str], timeout: float = TIMEOUT
) -> None:
    """Post ``body`` to ``url`` and to where it redirects; anything but a 2xx answer is a :class:`DeliveryError`."""
    with httpx.Client(transport=GuardedTransport(allowed), timeout=timeout, trust_env=False) as client:
        target = httpx.URL(url)
        for _ in range(HOPS + 1):
            status, answer = _once(client, target, body, headers)
            if status not in SAME_METHOD or "location" not in answer:
                return _check_status(status, answer)
            target = target.join(answer["location"])
    raise DeliveryError(f"The receiver redirects more than {HOPS} times.", permanent=True)


def _once(client: httpx.Client, url: httpx.URL, body: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
    try:
        with client.stream("POST", url, content=body.encode(), headers=dict(headers)) as response:
            return response.status_code, dict(response.headers)  # the body is not ours to read, however long it is
    except httpx.TimeoutException as error:
        raise DeliveryError("The receiver did not answer in time.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DeliveryError(f"The receiver could not be reached ({type(error).__name__}).") from error


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
