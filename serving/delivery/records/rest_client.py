"""Requests to the interface of one system: sign-in, one new token when the old one has expired, and errors in words.

A request that creates something may have been done although its answer was lost. The next attempt therefore waits for
``UNSURE_SECONDS``: until then a system's search may not know the new record, and would let it be created twice.
"""

import base64
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from serving.delivery.channel import DeliveryError
from serving.delivery.records.record_system import RecordGoneError
from serving.delivery.web_requests.access_tokens import Authorization, authorized_request
from serving.delivery.web_requests.deadline import Deadline
from serving.delivery.web_requests.http_post import TIMEOUT
from serving.delivery.web_requests.json_request import JsonAnswer

UNSURE_SECONDS = 60.0
"""The least wait after a request that may have created something."""


class RestClient:
    """The interface at ``url``; ``authorization`` gives the header of the sign-in."""

    def __init__(
        self,
        title: str,
        url: str,
        authorization: Authorization,
        *,
        allow: frozenset[str] = frozenset(),
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.title = title
        self.url = url.rstrip("/")
        self._authorization = authorization
        self._allow = allow
        self._headers = dict(headers or {})
        self._timeout = timeout
        self._deadline: Deadline | None = None

    def begin(self, seconds: float) -> None:
        """All requests from now on have to end within so many seconds."""
        self._deadline = Deadline(seconds)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        content: Any = None,
        expected: Collection[int] = (),
        record: bool = False,
        creates: bool = False,
        names: Collection[str] = (),
    ) -> JsonAnswer:
        """The answer to a request.

        ``expected`` are statuses that are no error besides 2xx. ``record`` says that a 404 means the record was
        deleted; ``creates``, that something may exist after a failure. ``names`` are the fields that are written: an
        error names those that the system names.
        """
        query = f"?{httpx.QueryParams(dict(params))}" if params else ""
        try:
            answer = authorized_request(
                method,
                f"{self.url}{path}{query}",
                self._authorization,
                content=content,
                headers=self._headers,
                allowed=self._allow,
                timeout=self._remaining(),
            )
        except DeliveryError as error:
            failure = DeliveryError(
                str(error).replace("The receiver", self.title), permanent=error.permanent, retry_after=error.retry_after
            )
            raise self._unsure(failure) if creates else failure from None
        if answer.ok or answer.status in expected:
            return answer
        if record and answer.status in {404, 410}:
            raise RecordGoneError(f"The record is not in {self.title} any more.", permanent=True)
        refusal = self._failure(answer, names)
        raise self._unsure(refusal) if creates and answer.status >= 500 else refusal

    def get(self, path: str, **how: Any) -> JsonAnswer:
        """The answer to a GET."""
        return self.call("GET", path, **how)

    def _remaining(self) -> float:
        if self._deadline is None:
            return self._timeout
        try:
            return min(self._timeout, self._deadline.remaining())
        except TimeoutError:
            raise DeliveryError(f"{self.title} needs too long for one case; it goes on later.") from None

    def _failure(self, answer: JsonAnswer, names: Collection[str]) -> DeliveryError:
        status, title = answer.status, self.title
        named = [name for name in names if name and name in repr(answer.body)]
        fields = f": it names the field {' and '.join(sorted(named))}" if named else ""
        sentences = {
            401: f"{title} does not accept the credentials (401): they have expired or are wrong; renew them.",
            403: f"{title} does not permit it (403){fields}: give the user of the channel the right to.",
            404: f"{title} has no such thing (404){fields}: check the channel's settings.",
            429: f"{title} takes no more requests for now (429).",
        }
        if status in sentences:
            return DeliveryError(sentences[status], permanent=status == 404, retry_after=answer.wait)
        if 300 <= status < 400:
            return DeliveryError(f"{title} has moved ({status}): set its new url.", permanent=True)
        if status >= 500:
            return DeliveryError(f"{title} answered {status}.", retry_after=answer.wait)
        code = error_code(answer.body)
        reason = f", {code}" if code else ""
        return DeliveryError(f"{title} refuses what is written ({status}{reason}){fields}.", permanent=True)

    def _unsure(self, error: DeliveryError) -> DeliveryError:
        wait = max(error.retry_after or 0.0, UNSURE_SECONDS)
        return DeliveryError(str(error), permanent=error.permanent, retry_after=wait)


def error_code(body: Any) -> str:
    """The code of a system's error, such as ``INVALID_FIELD``; its text may repeat what was written: it is left out."""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return ""
    for key in ("errorCode", "error", "category"):
        code = first.get(key)
        if isinstance(code, str) and code.replace("_", "").isalnum() and len(code) <= 60:
            return code
    return ""


def basic_of(user: str, password: str) -> Authorization:
    """The header of HTTP basic authentication."""
    value = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return lambda refused: value


def fixed(value: str) -> Authorization:
    """A header that never changes."""
    return lambda refused: value


def segment(value: str) -> str:
    """A value as one segment of a path."""
    return quote(value, safe="")
