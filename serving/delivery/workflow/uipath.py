"""UiPath Orchestrator: a queue item for each case, with our key as its ``Reference``.

A queue that enforces unique references refuses a second item itself (error 1016); any other queue is asked for the
reference before a second attempt.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx

from serving.delivery.channel import DeliveryError
from serving.delivery.web_requests.access_tokens import Authorization, authorized_request
from serving.delivery.web_requests.http_post import TIMEOUT
from serving.delivery.web_requests.json_request import JsonAnswer
from serving.delivery.workflow.work_order import WorkOrder
from serving.delivery.workflow.workflow_channel import StartedWork

UIPATH = "UiPath Orchestrator"
DUPLICATE_REFERENCE = 1016
LONGEST_REFERENCE = 128
FOLDER_HEADER = "X-UIPATH-OrganizationUnitId"


@dataclass(frozen=True)
class UiPathOrchestrator:
    """One queue in one folder; ``address`` ends with ``/orchestrator_`` in UiPath's cloud."""

    address: str
    queue: str
    folder: str
    authorization: Authorization = field(repr=False)
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT
    title: ClassVar[str] = UIPATH

    def test(self) -> str:
        """Ask for the queue.

        Raises:
            DeliveryError: there is no such queue in the folder.
        """
        quoted = self.queue.replace("'", "''")
        query = httpx.QueryParams({"$filter": f"Name eq '{quoted}'", "$top": "1"})
        answer = self._request("GET", f"/odata/QueueDefinitions?{query}").require_ok(UIPATH)
        if answer.get("value", 0) is None:
            raise DeliveryError(f"{UIPATH} has no queue {self.queue} in this folder: check queue and folder.")
        return f"the queue {self.queue}"

    def ping(self) -> None:
        """The same as :meth:`test`."""
        self.test()

    def find(self, order: WorkOrder) -> StartedWork | None:
        """The item with this reference."""
        quoted = _reference(order).replace("'", "''")
        query = httpx.QueryParams({"$filter": f"Reference eq '{quoted}'", "$top": "1"})
        answer = self._request("GET", f"/odata/QueueItems?{query}").require_ok(UIPATH)
        found = answer.get("value", 0, "Id")
        return StartedWork(str(found)) if found is not None else None

    def start(self, order: WorkOrder) -> StartedWork:
        """Add the item; one with this reference that is there already is no error."""
        item = {
            "Name": self.queue,
            "Priority": order.priority,
            "Reference": _reference(order),
            "SpecificContent": specific_content(order.flat_values),
        }
        answer = self._request("POST", "/odata/Queues/UiPathODataSvc.AddQueueItem", {"itemData": item})
        if answer.status == 409 or answer.get("errorCode") == DUPLICATE_REFERENCE:
            return StartedWork("")
        if answer.get("errorCode") == 1002:
            raise DeliveryError(f"{UIPATH} has no such queue in this folder: check queue and folder.")
        return StartedWork(str(answer.require_ok(UIPATH).get("Id") or ""))

    def end(self, key: str, order: WorkOrder) -> None:
        """Nothing: a queue item is the robot's, which can ask the API of Rescue for the case before it begins."""

    def _request(self, method: str, path: str, content: Any = None) -> JsonAnswer:
        return authorized_request(
            method,
            self.address + path,
            self.authorization,
            content=content,
            headers={FOLDER_HEADER: self.folder},
            allowed=self.allow,
            timeout=self.timeout,
        )


def specific_content(values: dict[str, Any]) -> dict[str, Any]:
    """The fields of an item; their names have none of the characters that UiPath refuses."""
    finite = {name: it for name, it in values.items() if not (isinstance(it, float) and not math.isfinite(it))}
    return {re.sub(r"\W", "_", name): it for name, it in finite.items()}


def _reference(order: WorkOrder) -> str:
    return order.key[:LONGEST_REFERENCE]
