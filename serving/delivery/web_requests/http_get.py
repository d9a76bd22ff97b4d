"""One GET of a small file, such as a calendar: from checked addresses, with one deadline, up to a size."""

from collections.abc import Collection

import httpcore
import httpx

from features.errors import UsageError
from serving.delivery.channel import DeliveryError
from serving.delivery.web_requests.addresses import refuse_inner
from serving.delivery.web_requests.deadline import Deadline
from serving.delivery.web_requests.guarded_request import header_fields, request_once

TIMEOUT_SECONDS = 20.0
"""For the whole answer, redirects included."""
MOST_HOPS = 3
MOVED = frozenset({301, 302, 303, 307, 308})


def fetch_bytes(url: str, *, most_bytes: int, allowed: Collection[str] = ()) -> bytes:
    """The content at an https address.

    Redirects are followed, because calendars are often behind one; each address is checked. ``allowed`` are hosts
    inside one's own network.

    Raises:
        UsageError: the address, or what it answers, cannot be used; the sentence does not repeat the address, which
            may contain a secret.
    """
    refuse_inner(url, allowed, key="", permit="calendar_hosts")
    deadline, target = Deadline(TIMEOUT_SECONDS), httpx.URL(url)
    try:
        for _ in range(MOST_HOPS + 1):
            status, content, location = _fetch_once(target, most_bytes, allowed, deadline)
            if status not in MOVED or not location:
                break
            target = target.join(location)
    except httpx.InvalidURL:
        raise UsageError("The server redirects to an address that cannot be read.") from None
    except DeliveryError as error:
        raise UsageError(str(error).replace("receiver", "server")) from None
    if status != 200:
        raise UsageError(f"The server answered {status} instead of the file.")
    return content


def _fetch_once(
    url: httpx.URL, most_bytes: int, allowed: Collection[str], deadline: Deadline
) -> tuple[int, bytes, str | None]:
    """The status, the content, and where the answer redirects to."""

    def read(response: httpcore.Response) -> tuple[int, bytes, str | None]:
        return response.status, _read_limited(response, most_bytes), header_fields(response).get("location")

    headers = {"Host": url.netloc.decode("ascii"), "Accept": "text/calendar, */*", "User-Agent": "rescue"}
    return request_once("GET", url, headers, read, allowed=allowed, deadline=deadline)


def _read_limited(response: httpcore.Response, most_bytes: int) -> bytes:
    content = bytearray()
    for chunk in response.iter_stream():
        content += chunk
        if len(content) > most_bytes:
            raise UsageError(f"The file has more than {most_bytes:,} bytes.")
    return bytes(content)
