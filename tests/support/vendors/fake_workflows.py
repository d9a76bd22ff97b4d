"""Camunda 8, Camunda 7, UiPath Orchestrator and n8n, as far as their documented requests start work."""

import json
from typing import Any

from support.vendors.fake_vendor import FakeVendor, VendorAnswer, VendorRequest

CLIENT, SECRET = "rescue-client", "canary-client-secret"
ALLOW = frozenset({"127.0.0.1"})


class FakeSignIn(FakeVendor):
    """A system whose tokens come from a sign-in server by client credentials, and expire when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = 0
        self.token = "token-0"

    def expire_token(self) -> None:
        """The present token is refused from now on."""
        self.tokens += 1
        self.token = f"token-{self.tokens}"

    def authorized(self, request: VendorRequest) -> bool:
        if request.path == "/token":
            return True
        return request.headers.get("authorization") == f"Bearer {self.token}"

    def answer(self, request: VendorRequest) -> VendorAnswer:
        if request.path == "/token":
            if request.body.get("client_secret") != SECRET or request.body["grant_type"] != "client_credentials":
                return VendorAnswer(401, {"error": "invalid_client"})
            return VendorAnswer(200, {"access_token": self.token, "expires_in": 3600, "token_type": "Bearer"})
        return self.work(request)

    def work(self, request: VendorRequest) -> VendorAnswer:
        """What the system does with a request that is signed in."""
        raise NotImplementedError

    def credentials(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "token_url": f"{self.url}/token",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "allow": ALLOW,
        }


class FakeCamunda8(FakeSignIn):
    """``instances`` were created by process id, ``published`` are messages by id; ``unique`` keeps one business id."""

    def __init__(self, *, unique: bool = False) -> None:
        super().__init__()
        self.unique = unique
        self.instances: list[dict[str, Any]] = []
        self.published: dict[str, dict[str, Any]] = {}

    def settings(self, **more: Any) -> dict[str, Any]:
        return {"kind": "camunda", **self.credentials(), **more}

    def work(self, request: VendorRequest) -> VendorAnswer:
        body = request.body
        if request.path == "/v2/topology":
            return VendorAnswer(200, {"clusterSize": 1})
        if request.path == "/v2/process-instances":
            business = body.get("businessId")
            if self.unique and business and business in {one.get("businessId") for one in self.instances}:
                return VendorAnswer(409, {"title": "ALREADY_EXISTS"})
            self.instances.append(body)
            return VendorAnswer(200, {"processInstanceKey": str(2251799813686000 + len(self.instances))})
        if request.path == "/v2/process-instances/search":
            wanted = body["filter"]["variables"][0]
            found = [
                {"processInstanceKey": str(2251799813686001 + place)}
                for place, one in enumerate(self.instances)
                if json.dumps(one["variables"].get(wanted["name"])) == wanted["value"]
            ]
            return VendorAnswer(200, {"items": found})
        if request.path == "/v2/messages/publication":
            if body["messageId"] in self.published:
                return VendorAnswer(409, {"title": "ALREADY_EXISTS"})
            assert body["timeToLive"] > 0
            self.published[body["messageId"]] = body
            return VendorAnswer(200, {"messageKey": "1"})
        return VendorAnswer(404, {})


class FakeCamunda7(FakeVendor):
    """``instances`` have a business key; Camunda 7 takes any number with the same one."""

    def __init__(self) -> None:
        super().__init__()
        self.instances: list[dict[str, Any]] = []
        self.correlated: list[dict[str, Any]] = []
        self.waiting = True

    def settings(self, **more: Any) -> dict[str, Any]:
        rest = {"url": f"{self.url}/engine-rest", "user": "rescue", "password": "canary-password", "allow": ALLOW}
        return {"kind": "camunda", "version": 7, "process": "rescue", **rest, **more}

    def authorized(self, request: VendorRequest) -> bool:
        return request.headers.get("authorization", "").startswith("Basic ")

    def answer(self, request: VendorRequest) -> VendorAnswer:
        path = request.path.removeprefix("/engine-rest")
        if path == "/engine":
            return VendorAnswer(200, [{"name": "default"}])
        if path == "/history/process-instance":
            key = request.query["processInstanceBusinessKey"]
            return VendorAnswer(200, [{"id": one["id"]} for one in self.instances if one["businessKey"] == key])
        if path.startswith("/process-definition/key/") and path.endswith("/start"):
            self._check(request.body["variables"])
            self.instances.append({**request.body, "id": f"instance-{len(self.instances)}", "path": path})
            return VendorAnswer(200, {"id": self.instances[-1]["id"]})
        if path == "/message":
            if not self.waiting:
                return VendorAnswer(400, {"type": "RestException", "message": "MismatchingMessageCorrelationException"})
            self.correlated.append(request.body)
            return VendorAnswer(204)
        return VendorAnswer(404, {})

    @staticmethod
    def _check(variables: dict[str, Any]) -> None:
        kinds = {"String": str, "Double": float, "Long": int, "Boolean": bool, "Json": str}
        for name, variable in variables.items():
            assert isinstance(variable["value"], kinds[variable["type"]]), name
            assert variable["type"] != "String" or len(variable["value"]) <= 4000


class FakeUiPath(FakeSignIn):
    """``items`` of one queue; ``unique`` enforces unique references."""

    def __init__(self, *, unique: bool = True) -> None:
        super().__init__()
        self.unique = unique
        self.items: list[dict[str, Any]] = []

    def settings(self, **more: Any) -> dict[str, Any]:
        return {"kind": "uipath", **self.credentials(), "queue": "Rescue", "folder": "42", **more}

    def work(self, request: VendorRequest) -> VendorAnswer:
        if request.headers.get("x-uipath-organizationunitid") != "42":
            return VendorAnswer(400, {"errorCode": 1101})
        if request.path == "/odata/QueueDefinitions":
            return VendorAnswer(200, {"value": [{"Name": "Rescue", "Id": 1}]})
        if request.path == "/odata/QueueItems":
            wanted = request.query["$filter"].partition("'")[2].rstrip("'")
            return VendorAnswer(200, {"value": [one for one in self.items if one["Reference"] == wanted]})
        item = request.body["itemData"]
        if item["Name"] != "Rescue":
            return VendorAnswer(404, {"errorCode": 1002})
        if self.unique and item["Reference"] in {one["Reference"] for one in self.items}:
            return VendorAnswer(409, {"errorCode": 1016, "message": "Duplicate Reference."})
        self.items.append({**item, "Id": len(self.items) + 1})
        return VendorAnswer(201, self.items[-1])


class FakeN8n(FakeVendor):
    """Executions of a workflow, without those whose idempotency key was seen (its node *Remove Duplicates*)."""

    def __init__(self) -> None:
        super().__init__()
        self.token = "canary-header-value"
        self.executions: dict[str, dict[str, Any]] = {}

    def settings(self) -> dict[str, Any]:
        return {"kind": "n8n", "url": f"{self.url}/webhook/rescue", "value": self.token, "allow": ALLOW}

    def authorized(self, request: VendorRequest) -> bool:
        return request.headers.get("x-rescue-key") == self.token

    def answer(self, request: VendorRequest) -> VendorAnswer:
        self.executions.setdefault(request.headers["idempotency-key"], request.body)
        return VendorAnswer(200, {"message": "Workflow was started"})
