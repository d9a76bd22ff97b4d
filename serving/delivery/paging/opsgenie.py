"""Opsgenie, and Jira Service Management's alerts, by the Alert API: create, acknowledge and close under one ``alias``.

Opsgenie drops a second create with the alias of an open alert by itself, and counts it.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from serving.delivery.paging.alert import Alert, AlertStep
from serving.delivery.web_requests.http_post import TIMEOUT
from serving.delivery.web_requests.json_request import request_json

OPSGENIE_ADDRESSES = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}
PRIORITIES = {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"}
LONGEST_MESSAGE, LONGEST_ALIAS = 130, 512
ALERT_SOURCE = "rescue"


@dataclass(frozen=True)
class Opsgenie:
    """One integration of the kind API."""

    key: str = field(repr=False)
    address: str = OPSGENIE_ADDRESSES["us"]
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT

    def send_alert(self, alert: Alert) -> None:
        """Create the alert, or acknowledge or close it; to close one that is not there is done already."""
        alias = alert.key[:LONGEST_ALIAS]
        if alert.step is AlertStep.TRIGGER:
            path, content = "/v2/alerts", _created(alert, alias)
        else:
            action = "acknowledge" if alert.step is AlertStep.ACKNOWLEDGE else "close"
            path = f"/v2/alerts/{quote(alias, safe='')}/{action}?identifierType=alias"
            content = {"source": ALERT_SOURCE}
        answer = request_json(
            "POST",
            self.address + path,
            content=content,
            headers={"authorization": f"GenieKey {self.key}"},
            allowed=self.allow,
            timeout=self.timeout,
        )
        if answer.status == 404 and alert.step is not AlertStep.TRIGGER:
            return
        answer.require_ok("Opsgenie")


def _created(alert: Alert, alias: str) -> dict[str, Any]:
    link = f"\n\n{alert.link}" if alert.link else ""
    return {
        "message": alert.summary[:LONGEST_MESSAGE],
        "alias": alias,
        "description": f"{alert.details.get('headline', alert.summary)}{link}",
        "priority": PRIORITIES[alert.level],
        "source": ALERT_SOURCE,
        "details": alert.details,
    }
