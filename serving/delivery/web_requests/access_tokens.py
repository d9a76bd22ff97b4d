"""Access tokens of other systems by the OAuth 2.0 client credentials grant (RFC 6749, 4.4): fetched, reused, renewed.

A token that expires between two messages is no failure of the message: the system answers 401, a new token is fetched
once, and the request is sent again.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from serving.delivery.channel import DeliveryError
from serving.delivery.web_requests.http_post import TIMEOUT
from serving.delivery.web_requests.json_request import JsonAnswer, request_json

EARLY_SECONDS = 30.0
"""A token is renewed so long before it expires."""
USUAL_SECONDS = 300.0
"""How long a token is used whose answer does not say when it expires."""


@dataclass
class ClientCredentials:
    """Fetches tokens at ``token_url``; ``more`` are further fields of the form, such as ``audience``."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    more: dict[str, str] = field(default_factory=dict)
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def token(self, *, refused: str = "") -> str:
        """The present token; a new one where it has expired, or is the one that was ``refused``.

        Raises:
            DeliveryError: the sign-in server refuses the credentials, or does not answer.
        """
        with self._lock:
            if not self._token or self._token == refused or time.monotonic() >= self._until:
                self._fetch()
            return self._token

    def _fetch(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            **({"scope": self.scope} if self.scope else {}),
            **self.more,
        }
        answer = request_json("POST", self.token_url, form=form, allowed=self.allow, timeout=self.timeout)
        token = answer.get("access_token")
        if answer.status in {400, 401, 403}:
            raise DeliveryError(f"The sign-in server refuses the client id or its secret ({answer.status}).")
        answer.require_ok("The sign-in server")
        if not isinstance(token, str) or not token:
            raise DeliveryError("The sign-in server's answer has no access_token: check token_url.")
        seconds = answer.get("expires_in")
        lasts = float(seconds) if isinstance(seconds, int | float) else USUAL_SECONDS
        self._token, self._until = token, time.monotonic() + max(lasts - EARLY_SECONDS, 1.0)


Authorization = Callable[[str], str]
"""The value of the header ``Authorization``; the argument is the value that was refused, or empty."""


def bearer_of(credentials: ClientCredentials | None, token: str = "") -> Authorization:
    """The header of a fixed token, or of one that is fetched."""

    def header(refused: str) -> str:
        if credentials is None:
            return f"Bearer {token}" if token else ""
        return f"Bearer {credentials.token(refused=refused.removeprefix('Bearer '))}"

    return header


def authorized_request(method: str, url: str, authorization: Authorization, **how: Any) -> JsonAnswer:
    """A request with a token; where it is refused, once more with a new one."""
    given = authorization("")
    headers = how.pop("headers", {})
    answer = request_json(method, url, headers={**headers, **_header(given)}, **how)
    if answer.status != 401:
        return answer
    renewed = authorization(given)
    return answer if renewed == given else request_json(method, url, headers={**headers, **_header(renewed)}, **how)


def _header(value: str) -> dict[str, str]:
    return {"authorization": value} if value else {}
