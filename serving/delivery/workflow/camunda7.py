"""Camunda 7 by its REST API: a process instance by process key or start message, with our key as its business key.

Camunda 7 takes any number of instances with one business key, so it is asked for the key, also among those that have
ended, before an instance is started.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from serving.delivery.web_requests.access_tokens import Authorization, authorized_request
from serving.delivery.web_requests.http_post import TIMEOUT
from serving.delivery.web_requests.json_request import JsonAnswer
from serving.delivery.workflow.camunda_process import CamundaProcess
from serving.delivery.workflow.work_order import ENDING, WorkOrder
from serving.delivery.workflow.workflow_channel import StartedWork

CAMUNDA_7 = "Camunda"
NOBODY_WAITS = 400


@dataclass(frozen=True)
class Camunda7:
    """One engine; ``address`` ends with the path of its REST API, such as ``/engine-rest``."""

    address: str
    authorization: Authorization = field(repr=False)
    started: CamundaProcess
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT
    title: ClassVar[str] = CAMUNDA_7

    def test(self) -> str:
        """Ask for the engines of the installation."""
        name = self._request("GET", "/engine").require_ok(CAMUNDA_7).get(0, "name")
        return f"the engine {name}" if name else "the engine answers"

    def ping(self) -> None:
        """The same as :meth:`test`."""
        self.test()

    def find(self, order: WorkOrder) -> StartedWork | None:
        """An instance with this business key, also one that has ended."""
        query = {"processInstanceBusinessKey": order.key, "maxResults": "1"}
        if self.started.process:
            query["processDefinitionKey"] = self.started.process
        answer = self._request("GET", f"/history/process-instance?{httpx.QueryParams(query)}").require_ok(CAMUNDA_7)
        found = answer.get(0, "id")
        return StartedWork(str(found)) if found else None

    def start(self, order: WorkOrder) -> StartedWork:
        """Start the instance, unless there is one with this business key."""
        found = self.find(order)
        if found is not None:
            return found
        variables = typed_variables(order.flat_values)
        if self.started.start_message:
            content = {
                "messageName": self.started.start_message,
                "businessKey": order.key,
                "processVariables": variables,
            }
            answer = self._request("POST", "/message", {**content, "resultEnabled": True, **self.started.tenant_fields})
            return StartedWork(str(answer.require_ok(CAMUNDA_7).get(0, "processInstance", "id") or ""))
        within = f"/tenant-id/{quote(self.started.tenant, safe='')}" if self.started.tenant else ""
        path = f"/process-definition/key/{quote(self.started.process, safe='')}{within}/start"
        answer = self._request("POST", path, {"businessKey": order.key, "variables": variables})
        return StartedWork(str(answer.require_ok(CAMUNDA_7).get("id") or ""))

    def end(self, key: str, order: WorkOrder) -> None:
        """Correlate the message that a case is over, where the settings name one; nobody needs to wait for it."""
        if not self.started.over_message:
            return
        state: dict[str, Any] = {name: order.variables[name] for name in ENDING if name in order.variables}
        content = {
            "messageName": self.started.over_message,
            "businessKey": key,
            "processVariables": typed_variables(state),
        }
        answer = self._request("POST", "/message", {**content, **self.started.tenant_fields})
        if answer.status != NOBODY_WAITS:
            answer.require_ok(CAMUNDA_7)

    def _request(self, method: str, path: str, content: Any = None) -> JsonAnswer:
        return authorized_request(
            method, self.address + path, self.authorization, content=content, allowed=self.allow, timeout=self.timeout
        )


def typed_variables(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Variables with Camunda 7's types; the hand-off as ``Json``, which has no limit of length."""
    return {name: {"value": value, "type": _type(name, value)} for name, value in values.items()}


def _type(name: str, value: object) -> str:
    if name == "handoff":
        return "Json"
    if isinstance(value, bool):
        return "Boolean"
    return {int: "Long", float: "Double"}.get(type(value), "String")
