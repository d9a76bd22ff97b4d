"""PagerDuty by its Events API v2: trigger, acknowledge and resolve under a stable ``dedup_key``.

apprise can send to PagerDuty as well, but it only triggers and has no key: a message that is sent twice would page
twice, and nothing would ever resolve.
"""

from dataclasses import dataclass, field
from typing import Any

from serving.delivery.channel import DeliveryError
from serving.delivery.paging.alert import Alert, AlertStep
from serving.delivery.web_requests.http_post import TIMEOUT
from serving.delivery.web_requests.json_request import request_json

PAGERDUTY_ADDRESSES = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
LONGEST_KEY, LONGEST_SUMMARY = 255, 1024


@dataclass(frozen=True)
class PagerDuty:
    """One service of PagerDuty, by the integration key of its Events API v2 integration."""

    routing_key: str = field(repr=False)
    address: str = PAGERDUTY_ADDRESSES["us"]
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT

    def send_alert(self, alert: Alert) -> None:
        """Send one event."""
        event: dict[str, Any] = {
            "routing_key": self.routing_key,
            "event_action": str(alert.step),
            "dedup_key": alert.key[:LONGEST_KEY],
        }
        if alert.step is AlertStep.TRIGGER:
            event |= {
                "client": "Rescue",
                "payload": {
                    "summary": alert.summary[:LONGEST_SUMMARY],
                    "source": "rescue",
                    "severity": alert.level,
                    "timestamp": alert.at,
                    "class": "rescue case",
                    "custom_details": alert.details,
                },
            }
            if alert.link:
                event |= {"client_url": alert.link, "links": [{"href": alert.link, "text": "Open in Rescue"}]}
        answer = request_json(
            "POST", f"{self.address}/v2/enqueue", content=event, allowed=self.allow, timeout=self.timeout
        )
        if answer.status == 400:
            raise DeliveryError("PagerDuty refuses the event (400): check the integration key.")
        answer.require_ok("PagerDuty")
