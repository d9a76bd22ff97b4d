"""Slack's Web API with a bot token: the few methods that a case in a channel needs.

Slack answers 200 to nearly everything and says in the body whether it was done, so its error codes are read here, and
become sentences about what to change. Requests go through the same checked connections as every other channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from serving.delivery.channel import DeliveryError
from serving.delivery.web_requests.http_post import TIMEOUT
from serving.delivery.web_requests.json_request import request_json

SLACK_ADDRESS = "https://slack.com/api"

ERROR_TEXTS = {
    "invalid_auth": "the token is wrong: set the bot token (xoxb-…) of the app",
    "not_authed": "the token is missing: set the bot token (xoxb-…) of the app",
    "account_inactive": "the app was removed from the workspace: install it again",
    "token_revoked": "the token was revoked: install the app again and set the new token",
    "token_expired": "the token has expired: set a new one",
    "missing_scope": "the app lacks a scope: add it and install the app again",
    "channel_not_found": "there is no such channel, or the app is not in it: invite the app, or set the channel's id",
    "not_in_channel": "the app is not in the channel: invite it",
    "is_archived": "the channel is archived: choose another",
    "restricted_action": "the workspace does not let the app post there",
    "user_not_found": "there is no such member of the workspace",
    "users_not_found": "no member of the workspace has this mail address",
    "msg_too_long": "the message is too long",
    "invalid_blocks": "it does not accept the form of the message",
    "rate_limited": "too many requests; it is tried again later",
    "ratelimited": "too many requests; it is tried again later",
}
"""What to do about the errors that a channel's settings can cause."""


class SlackError(DeliveryError):
    """Slack refused a method; ``code`` is its own word for why."""

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        plain = code if code.replace("_", "").isalnum() and len(code) < 60 else "unknown"
        super().__init__(f"Slack refused ({plain}): {ERROR_TEXTS.get(plain, 'see its documentation')}.")
        self.code = plain
        self.retry_after = retry_after


@dataclass(frozen=True)
class SlackApi:
    """Calls methods of the Web API; ``address`` is another than Slack's own only in tests and for proxies."""

    token: str = field(repr=False)
    address: str = SLACK_ADDRESS
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """The answer of a method.

        Raises:
            SlackError: Slack refused it; a later attempt may succeed.
            DeliveryError: Slack could not be reached.
        """
        return self._post(method, content=arguments)

    def read(self, method: str, **arguments: str) -> dict[str, Any]:
        """The answer of a method that only reads, which takes a form instead of JSON."""
        return self._post(method, form=arguments)

    def _post(self, method: str, *, content: Any = None, form: Mapping[str, str] | None = None) -> dict[str, Any]:
        answer = request_json(
            "POST",
            f"{self.address}/{method}",
            content=content,
            form=form,
            headers={"authorization": f"Bearer {self.token}"},
            allowed=self.allow,
            timeout=self.timeout,
        )
        if answer.status == 429:
            raise SlackError("ratelimited", answer.wait if answer.wait is not None else 30.0)
        if not 200 <= answer.status < 300 or not isinstance(answer.body, dict):
            raise DeliveryError(f"Slack answered {answer.status}.", retry_after=answer.wait)
        if answer.body.get("ok") is not True:
            raise SlackError(str(answer.body.get("error", "unknown")), answer.wait)
        return answer.body
