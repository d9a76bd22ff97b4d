"""A webhook by the Standard Webhooks specification: the receiver can prove who sent it, and drop what comes twice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from features.errors import UsageError
from serving.delivery.channel import Letter
from serving.delivery.http_post import TIMEOUT, post


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class WebhookChannel:
    """Posts the letter as JSON with ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``.

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

    def send(self, letter: Letter) -> None:
        """Post the letter, signed as of now; the id is the letter's own on every attempt."""
        body, at = letter.body(), self.clock()
        headers = {
            "content-type": "application/json",
            "webhook-id": letter.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(letter.id, at, body),
        }
        post(self.url, body, headers, allowed=self.allow, timeout=self.timeout)
