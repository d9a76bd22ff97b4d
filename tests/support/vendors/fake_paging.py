"""PagerDuty's Events API v2 and Opsgenie's Alert API: alerts by their keys, with the state that each is in."""

from typing import Any

from support.vendors.fake_vendor import FakeVendor, VendorAnswer, VendorRequest

KEY = "canary-integration-key"


class FakePagerDuty(FakeVendor):
    """``alerts`` are by ``dedup_key``: state, number of triggers while open, and the newest event."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, dict[str, Any]] = {}
        self.opened: list[str] = []

    def settings(self) -> dict[str, Any]:
        return {"kind": "pagerduty", "routing_key": KEY, "api": self.url, "allow": frozenset({"127.0.0.1"})}

    def authorized(self, request: VendorRequest) -> bool:
        return True  # the key is in the body

    def answer(self, request: VendorRequest) -> VendorAnswer:
        event = request.body
        if request.path != "/v2/enqueue" or event.get("routing_key") != KEY:
            return VendorAnswer(400, {"status": "invalid event"})
        key, action = event["dedup_key"], event["event_action"]
        alert = self.alerts.get(key)
        if action == "trigger":
            assert event["payload"]["severity"] in {"critical", "error", "warning", "info"}
            assert event["payload"]["summary"]
            assert event["payload"]["source"]
            if alert is None or alert["state"] == "resolved":
                self.opened.append(key)
                self.alerts[key] = {"state": "triggered", "triggers": 1, "event": event}
            else:
                alert["triggers"] += 1
        elif alert is not None and alert["state"] != "resolved":
            alert["state"] = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
        return VendorAnswer(202, {"status": "success", "dedup_key": key})


class FakeOpsgenie(FakeVendor):
    """``alerts`` are by alias; an alert that is open already is only counted."""

    def __init__(self) -> None:
        super().__init__()
        self.token = KEY
        self.alerts: dict[str, dict[str, Any]] = {}

    def settings(self) -> dict[str, Any]:
        return {"kind": "opsgenie", "key": KEY, "api": self.url, "allow": frozenset({"127.0.0.1"})}

    def authorized(self, request: VendorRequest) -> bool:
        return request.headers.get("authorization") == f"GenieKey {self.token}"

    def answer(self, request: VendorRequest) -> VendorAnswer:
        if request.path == "/v2/alerts":
            alias = request.body["alias"]
            assert len(request.body["message"]) <= 130
            alert = self.alerts.get(alias)
            if alert is None or alert["state"] == "closed":
                self.alerts[alias] = {"state": "open", "count": 1, "body": request.body}
            else:
                alert["count"] += 1
            return VendorAnswer(202, {"result": "Request will be processed"})
        _, _, _, alias, action = request.path.split("/")
        assert request.query["identifierType"] == "alias"
        if alias not in self.alerts:
            return VendorAnswer(404, {"message": "Alert does not exist"})
        self.alerts[alias]["state"] = {"acknowledge": "acknowledged", "close": "closed"}[action]
        return VendorAnswer(202, {"result": "Request will be processed"})
