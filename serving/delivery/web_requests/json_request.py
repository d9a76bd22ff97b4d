"""One request to another system's interface that answers in JSON: checked addresses, one deadline, no secret in errors.

A webhook only takes a message. An interface also says what it made of it, such as the id of a new record, so its answer
is read, up to a size.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpcore
import httpx

from serving.delivery.channel import DeliveryError
from serving.delivery.web_requests.deadline import Deadline
from serving.delivery.web_requests.guarded_request import header_fields, request_once
from serving.delivery.web_requests.http_post import TIMEOUT, read_retry_after

MOST_ANSWER_BYTES = 2_000_000
"""Of an answer; more is not read."""
JSON_CONTENT = "application/json"


@dataclass(frozen=True)
class JsonAnswer:
    """The answer of another system; ``body`` is None where it is no JSON."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def ok(self) -> bool:
        """Whether the request was done."""
        return 200 <= self.status < 300

    def get(self, *path: str | int) -> Any:
        """A value within the body; None where it is not there."""
        value = self.body
        for part in path:
            if isinstance(part, int):
                value = value[part] if isinstance(value, list) and len(value) > part else None
            else:
                value = value.get(part) if isinstance(value, dict) else None
        return value

    def require_ok(self, system: str) -> "JsonAnswer":
        """This answer.

        Raises:
            DeliveryError: it is no 2xx; the sentence names the system and the status, and nothing of the answer.
        """
        if self.ok:
            return self
        raise DeliveryError(status_text(system, self.status), permanent=self.status == 410, retry_after=self.wait)

    @property
    def wait(self) -> float | None:
        """The seconds that the system asks to wait; None where it does not say."""
        return read_retry_after(self.headers.get("retry-after"))


def status_text(system: str, status: int) -> str:
    """Why a request was not done, with what to check."""
    hints = {
        400: "it cannot read the request: check the channel's settings",
        401: "the credentials are wrong or have expired: set new ones",
        403: "the credentials do not permit it: check their scopes",
        404: "what the channel's settings name does not exist there",
        429: "too many requests; it is tried again later",
    }
    hint = hints.get(status)
    return f"{system} answered {status}{f' ({hint})' if hint else ''}."


def request_json(
    method: str,
    url: str,
    *,
    content: Any = None,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    allowed: Collection[str] = (),
    timeout: float = TIMEOUT,
) -> JsonAnswer:
    """Send ``content`` as JSON, or ``form`` as a form, and read the answer; no redirect is followed.

    Raises:
        DeliveryError: the system could not be reached, or did not answer within ``timeout`` seconds.
    """
    target = httpx.URL(url)
    sent = {"host": target.netloc.decode("ascii"), "accept": JSON_CONTENT, "user-agent": "rescue", **(headers or {})}
    body = b"" if method in {"POST", "PUT", "PATCH"} else None
    if form is not None:
        body = str(httpx.QueryParams(dict(form))).encode()
        sent["content-type"] = "application/x-www-form-urlencoded"
    elif content is not None:
        body = json.dumps(content, sort_keys=True).encode()
        sent.setdefault("content-type", f"{JSON_CONTENT}; charset=utf-8")
    if body is not None:
        sent["content-length"] = str(len(body))
    return request_once(method, target, sent, _read, allowed=allowed, deadline=Deadline(timeout), content=body)


def _read(response: httpcore.Response) -> JsonAnswer:
    content = bytearray()
    for chunk in response.iter_stream():
        content += chunk
        if len(content) > MOST_ANSWER_BYTES:
            raise DeliveryError(f"The answer has more than {MOST_ANSWER_BYTES:,} bytes.", permanent=True)
    try:
        body = json.loads(bytes(content)) if content else None
    except ValueError:
        body = None
    return JsonAnswer(response.status, header_fields(response), body)
