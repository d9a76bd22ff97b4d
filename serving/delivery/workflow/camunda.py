"""Camunda 8 by its Orchestration Cluster REST API: a process instance by process id, or by a message start event.

A message is published under a ``messageId``, and the broker takes one message of an id for a day. An instance that is
created by its process id carries a ``businessId``, which Camunda 8.9 can keep unique; earlier versions are asked for an
instance with our key before a second attempt.
"""

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from serving.delivery.web_requests.access_tokens import Authorization, authorized_request
from serving.delivery.web_requests.http_post import TIMEOUT
from serving.delivery.web_requests.json_request import JsonAnswer
from serving.delivery.workflow.camunda_process import CamundaProcess
from serving.delivery.workflow.work_order import ENDING, WorkOrder
from serving.delivery.workflow.workflow_channel import StartedWork

KEY_VARIABLE = "rescue_key"
MESSAGE_LIFE = 24 * 60 * 60 * 1000
"""Milliseconds in which a message waits for its receiver, and a second one of the same id is dropped."""
CAMUNDA = "Camunda"
ALREADY_THERE = 409


@dataclass(frozen=True)
class Camunda8:
    """One cluster; ``process`` is the id of a BPMN process, or ``start_message`` the name of its start message."""

    address: str
    authorization: Authorization = field(repr=False)
    started: CamundaProcess
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT
    title: ClassVar[str] = CAMUNDA

    def test(self) -> str:
        """Ask for the brokers of the cluster."""
        size = self._request("GET", "/v2/topology").require_ok(CAMUNDA).get("clusterSize")
        return f"a cluster of {size}" if size else "the cluster answers"

    def ping(self) -> None:
        """The same as :meth:`test`."""
        self.test()

    def find(self, order: WorkOrder) -> StartedWork | None:
        """The instance whose variable ``rescue_key`` is the key; what was published by message needs no search."""
        if self.started.start_message:
            return None
        wanted = {"name": KEY_VARIABLE, "value": json.dumps(order.key)}
        content = {"filter": {"processDefinitionId": self.started.process, "variables": [wanted]}, "page": {"limit": 1}}
        answer = self._post("/v2/process-instances/search", content).require_ok(CAMUNDA)
        found = answer.get("items", 0, "processInstanceKey")
        return StartedWork(str(found)) if found else None

    def start(self, order: WorkOrder) -> StartedWork:
        """Create the instance, or publish the message that starts it."""
        variables = {**order.values, KEY_VARIABLE: order.key}
        if self.started.start_message:
            self._publish(self.started.start_message, order.key, order.key, variables)
            return StartedWork("")
        content: dict[str, Any] = {
            "processDefinitionId": self.started.process,
            "variables": variables,
            **self.started.tenant_fields,
        }
        if self.started.business_id:
            content["businessId"] = order.key
        answer = self._post("/v2/process-instances", content)
        if answer.status == ALREADY_THERE:
            return StartedWork("")
        return StartedWork(str(answer.require_ok(CAMUNDA).get("processInstanceKey") or ""))

    def end(self, key: str, order: WorkOrder) -> None:
        """Publish the message that a case is over, where the settings name one."""
        if self.started.over_message:
            state: dict[str, Any] = {name: order.variables[name] for name in ENDING if name in order.variables}
            self._publish(self.started.over_message, key, f"{key}-over", state)

    def _publish(self, name: str, correlation: str, own: str, variables: dict[str, Any]) -> None:
        content = {
            "name": name,
            "correlationKey": correlation,
            "messageId": own,
            "timeToLive": MESSAGE_LIFE,
            "variables": variables,
            **self.started.tenant_fields,
        }
        answer = self._post("/v2/messages/publication", content)
        if answer.status != ALREADY_THERE:
            answer.require_ok(CAMUNDA)

    def _post(self, path: str, content: dict[str, Any]) -> JsonAnswer:
        return self._request("POST", path, content)

    def _request(self, method: str, path: str, content: Any = None) -> JsonAnswer:
        return authorized_request(
            method, self.address + path, self.authorization, content=content, allowed=self.allow, timeout=self.timeout
        )
