"""n8n, and other workflow tools that begin with a webhook: a POST with our key, protected by a header of your own.

n8n has no keys of its own. A request carries the same ``Idempotency-Key`` on every attempt, by which its node *Remove
Duplicates* drops what it has seen.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from serving.delivery.web_requests.http_post import TIMEOUT
from serving.delivery.web_requests.json_request import request_json
from serving.delivery.workflow.work_order import WorkOrder
from serving.delivery.workflow.workflow_channel import StartedWork

N8N = "n8n"


@dataclass(frozen=True)
class N8nWebhook:
    """One webhook node."""

    url: str = field(repr=False)
    header: str = ""
    value: str = field(default="", repr=False)
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT
    title: ClassVar[str] = N8N

    def test(self) -> str:
        """Nothing: a webhook node cannot be asked anything without starting its workflow."""
        return ""

    def ping(self) -> None:
        """Send the event ``test``."""
        self._post("test", "rescue-test", {"source": "rescue"})

    def find(self, order: WorkOrder) -> StartedWork | None:
        """None: n8n cannot be asked."""
        return None

    def start(self, order: WorkOrder) -> StartedWork:
        """Send the work order."""
        self._post("started", order.key, order.values)
        return StartedWork("")

    def end(self, key: str, order: WorkOrder) -> None:
        """Send the same key with the state in which the case ended."""
        self._post("over", key, order.variables)

    def _post(self, event: str, key: str, values: dict[str, Any]) -> None:
        headers = {"idempotency-key": f"{key}-{event}", **({self.header: self.value} if self.header else {})}
        content = {"event": event, "key": key, "variables": values}
        answer = request_json(
            "POST", self.url, content=content, headers=headers, allowed=self.allow, timeout=self.timeout
        )
        answer.require_ok(N8N)
