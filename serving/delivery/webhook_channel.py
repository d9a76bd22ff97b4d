"""A webhook by the Standard Webhooks specification: the receiver can verify the sender and drop duplicates."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from features.errors import UsageError
from serving.delivery.channel import ChannelMessage
from serving.delivery.web_requests.http_post import TIMEOUT, post


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class WebhookChannel:
    """Posts the message as JSON with ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``.

    ``secret`` is base64, with or without ``whsec_``; ``allow`` names receivers inside one's own network.
    """

    url: str = field(repr=False)
    secret: str = field(repr=False)
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT
    clock: Callable[[], datetime] = _now

    def __post_init__(self) -> None:
        try:
            Webhook(self.secret)
        except (ValueError, EmptyWebhookSecretError) as error:
            raise UsageError("A webhook's secret has to be base64 (openssl rand -base64 32).") from error

    def send(self, message: ChannelMessage) -> None:
        """Post the message, signed now; every attempt has the same id."""
        body, at = message.body(), self.clock()
        headers = {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(message.id, at, body),
        }
        post(self.url, body, headers, allowed=self.allow, timeout=self.timeout)
