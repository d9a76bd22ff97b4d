"""A Jira: issues with a workflow, comments, history, users; organisations with properties, as in Service Management."""

import base64
import re
from typing import Any

from support.vendors.fake_vendor import PEOPLE, ZOE, FakeVendor, RecordView, VendorAnswer, VendorRequest

STATUSES = {
    "10": {"name": "To Do", "statusCategory": {"key": "new"}},
    "20": {"name": "In Progress", "statusCategory": {"key": "indeterminate"}},
    "30": {"name": "Done", "statusCategory": {"key": "done"}},
}
US = "rescue@desk.example"


def _user(mail: str) -> dict[str, Any]:
    name = PEOPLE.get(mail, "Rescue")
    return {"accountId": f"id-{mail.partition('@')[0]}", "displayName": name, "emailAddress": mail}


class FakeJira(FakeVendor):
    """One project, RES; ``removed_search`` answers the old search as the cloud does."""

    title = "Jira"

    def __init__(self, *, removed_search: bool = False) -> None:
        super().__init__()
        self.issues: dict[str, dict[str, Any]] = {}
        self.properties: dict[str, Any] = {}
        self.removed_search = removed_search

    def settings(self) -> dict[str, Any]:
        fields = {"risk": "risk", "health": "health", "state": "state"}
        keys = {"account_fields": fields, "outcomes": {"Won't Do": "no_action"}}
        return {"kind": "jira", "user": US, "token": self.token, "project": "RES", **keys}

    def authorized(self, request: VendorRequest) -> bool:
        value = base64.b64encode(f"{US}:{self.token}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {value}"

    @property
    def now(self) -> str:
        return f"{self.moment:%Y-%m-%dT%H:%M:%S}.000+0000"

    def views(self) -> list[RecordView]:
        return [
            RecordView(
                key,
                issue["fields"]["summary"],
                issue["fields"]["description"],
                issue["fields"]["status"]["statusCategory"]["key"] == "done",
                (issue["fields"]["assignee"] or {}).get("emailAddress"),
                tuple(comment["body"] for comment in issue["comments"]),
            )
            for key, issue in self.issues.items()
        ]

    def account(self) -> dict[str, Any]:
        return self.properties

    def they_comment(self, record: str, text: str, by: str = ZOE) -> None:
        self.seconds += 1
        self._comment(record, text, by)

    def they_assign(self, record: str, owner: str | None, by: str = ZOE) -> None:
        self.seconds += 1
        self._set(record, "assignee", _user(owner) if owner else None, by)

    def they_close(self, record: str, by: str = ZOE, outcome: str = "") -> None:
        self.seconds += 1
        if outcome:
            self.issues[record]["fields"]["labels"].append(outcome)
        self._set(record, "status", STATUSES["30"], by)

    def they_reopen(self, record: str, by: str = ZOE) -> None:
        self.seconds += 1
        self._set(record, "status", STATUSES["20"], by)

    def they_delete(self, record: str) -> None:
        del self.issues[record]

    def answer(self, request: VendorRequest) -> VendorAnswer:
        path, method = request.path, request.method
        if path == "/rest/api/2/myself":
            return VendorAnswer(200, _user(US))
        if path == "/rest/api/2/project/RES":
            return VendorAnswer(200, {"key": "RES"})
        if path in ("/rest/api/2/search", "/rest/api/2/search/jql"):
            if self.removed_search and path == "/rest/api/2/search":
                return VendorAnswer(410, {"errorMessages": ["The requested API has been removed."]})
            label = re.search(r'labels = "([^"]*)"', request.query["jql"])
            assert label is not None
            found = [key for key, issue in self.issues.items() if label[1] in issue["fields"]["labels"]]
            return VendorAnswer(200, {"issues": [{"key": key} for key in found]})
        if path == "/rest/api/2/user/search":
            mail = request.query.get("query") or request.query.get("username")
            return VendorAnswer(200, [_user(mail)] if mail in PEOPLE else [])
        if (
            organization := re.fullmatch(r"/rest/servicedeskapi/organization/([^/]+)(/property/(.+))?", path)
        ) is not None:
            if organization[1] != "a000000":
                return VendorAnswer(404, {})
            if organization[3]:
                self.properties[organization[3]] = request.body
            return VendorAnswer(200, {"id": "a000000"})
        if path == "/rest/api/2/issue" and method == "POST":
            return VendorAnswer(201, {"key": self._create(request.body["fields"])})
        return self._issue(request)

    def _issue(self, request: VendorRequest) -> VendorAnswer:
        found = re.fullmatch(r"/rest/api/2/issue/([^/]+)(/.*)?", request.path)
        if found is None or found[1] not in self.issues:
            return VendorAnswer(404, {"errorMessages": ["Issue does not exist"]})
        key, what = found[1], found[2]
        issue = self.issues[key]
        if what is None:
            return VendorAnswer(
                200, {"key": key, "fields": issue["fields"], "changelog": {"histories": issue["history"]}}
            )
        if what == "/comment" and request.method == "GET":
            start = int(request.query["startAt"])
            rows = issue["comments"]
            return VendorAnswer(200, {"comments": rows[start : start + 100], "total": len(rows)})
        if what == "/comment":
            self._comment(key, request.body["body"], US)
            return VendorAnswer(201, {})
        if what == "/assignee":
            account = request.body["accountId"]
            mail = next((mail for mail in PEOPLE if _user(mail)["accountId"] == account), None)
            self._set(key, "assignee", _user(mail) if mail else None, US)
            return VendorAnswer(204)
        if request.method == "GET":
            moves = [{"id": number, "to": status} for number, status in STATUSES.items()]
            return VendorAnswer(
                200, {"transitions": [move for move in moves if move["to"] != issue["fields"]["status"]]}
            )
        self._set(key, "status", STATUSES[request.body["transition"]["id"]], US)
        return VendorAnswer(204)

    def _create(self, fields: dict[str, Any]) -> str:
        key = f"RES-{len(self.issues) + 1}"
        status = {"status": STATUSES["10"], "assignee": None, "resolution": None, "updated": self.now}
        self.issues[key] = {"fields": {**fields, **status}, "comments": [], "history": []}
        return key

    def _comment(self, key: str, text: str, by: str) -> None:
        comments = self.issues[key]["comments"]
        comments.append({"id": f"{key}.{len(comments)}", "body": text, "author": _user(by), "created": self.now})
        self.issues[key]["fields"]["updated"] = self.now

    def _set(self, key: str, field: str, value: Any, by: str) -> None:
        issue = self.issues[key]
        issue["fields"][field] = value
        issue["fields"]["updated"] = self.now
        issue["history"].append({"author": _user(by), "created": self.now, "items": [{"field": field}]})
