"""A Salesforce: upserts by an external id, SOQL as Rescue writes it, comments, history, tokens that expire."""

import re
from typing import Any

from support.vendors.fake_vendor import PEOPLE, ZOE, FakeVendor, RecordView, VendorAnswer, VendorRequest

API = "/services/data/v62.0"
US = "rescue@desk.example"
CLOSED = ("Closed", "Completed")


def _person(mail: str) -> dict[str, str]:
    return {"Name": PEOPLE.get(mail, "Rescue"), "Email": mail, "Username": mail}


class FakeSalesforce(FakeVendor):
    """One organisation; ``expire`` makes the token of the moment invalid, and the next one is fetched."""

    title = "Salesforce"

    def __init__(self, kind: str = "Case", *, client: bool = False) -> None:
        super().__init__()
        self.kind, self.client = kind, client
        self.records: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.notes: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.accounts = {"001a": {"Id": "001a", "AccountNumber": "a000000", "OwnerId": "005-ann@desk.example"}}
        self.account_fields = {
            "Id",
            "AccountNumber",
            "OwnerId",
            "Rescue_Risk__c",
            "Rescue_Health__c",
            "Rescue_State__c",
        }
        self.tokens = 0

    def settings(self) -> dict[str, Any]:
        fields = {"risk": "Rescue_Risk__c", "health": "Rescue_Health__c", "state": "Rescue_State__c"}
        sign_in = {"client_id": "app", "client_secret": "app-secret"} if self.client else {"token": self.token}
        keys = {"account_key": "AccountNumber", "account_fields": fields, "object": self.kind}
        return {"kind": "salesforce", "outcome_field": "Outcome__c", **keys, **sign_in}

    def expire(self) -> None:
        """The present token is not valid any more."""
        self.token = "expired"

    def authorized(self, request: VendorRequest) -> bool:
        if request.path == "/services/oauth2/token":
            return True
        return request.headers.get("authorization") == f"Bearer {self.token}"

    @property
    def now(self) -> str:
        return f"{self.moment:%Y-%m-%dT%H:%M:%S}.000+0000"

    def views(self) -> list[RecordView]:
        return [
            RecordView(
                key,
                row["Subject"],
                row["Description"],
                row["Status"] in CLOSED,
                self._owner_mail(row),
                tuple(note["text"] for note in self.notes if note["ParentId"] == key),
            )
            for key, row in self.records.items()
        ]

    def _owner_mail(self, row: dict[str, Any]) -> str | None:
        mail = row["OwnerId"].removeprefix("005-")
        return None if mail == US else mail

    def account(self) -> dict[str, Any]:
        row = self.accounts["001a"]
        return {name[7:-3].lower(): row[name] for name in self.account_fields if name.endswith("__c") and name in row}

    def they_comment(self, record: str, text: str, by: str = ZOE) -> None:
        self.seconds += 1
        self._note(record, text, by)

    def they_assign(self, record: str, owner: str | None, by: str = ZOE) -> None:
        self.seconds += 1
        self._set(record, {"OwnerId": f"005-{owner or US}"}, by)

    def they_close(self, record: str, by: str = ZOE, outcome: str = "") -> None:
        self.seconds += 1
        status = "Completed" if self.kind == "Task" else "Closed"
        self._set(record, {"Status": status, **({"Outcome__c": outcome} if outcome else {})}, by)

    def they_reopen(self, record: str, by: str = ZOE) -> None:
        self.seconds += 1
        self._set(record, {"Status": "Working"}, by)

    def they_delete(self, record: str) -> None:
        del self.records[record]

    def answer(self, request: VendorRequest) -> VendorAnswer:
        path, method = request.path.removeprefix(API), request.method
        if request.path == "/services/oauth2/token":
            if request.body.get("client_secret") != "app-secret":
                return VendorAnswer(400, {"error": "invalid_client"})
            self.tokens += 1
            self.token = f"token-{self.tokens}"
            return VendorAnswer(200, {"access_token": self.token})
        if path == "/query":
            return self._query(request.query["q"])
        if (found := re.fullmatch(r"/sobjects/(\w+)/describe", path)) is not None:
            return VendorAnswer(200, {"fields": self._fields(found[1])})
        if (found := re.fullmatch(rf"/sobjects/{self.kind}/Rescue_Case__c/(.+)", path)) is not None:
            return self._by_key(method, found[1], request.body)
        if path in ("/sobjects/CaseComment", "/sobjects/FeedItem"):
            self._note(request.body["ParentId"], request.body.get("CommentBody") or request.body["Body"], US)
            return VendorAnswer(201, {"id": "note", "success": True})
        if (found := re.fullmatch(rf"/sobjects/({self.kind}|Account)/(.+)", path)) is not None and method == "PATCH":
            return self._update(found[1], found[2], request.body)
        return VendorAnswer(404, [{"errorCode": "NOT_FOUND"}])

    def _fields(self, kind: str) -> list[dict[str, Any]]:
        if kind == "Account":
            return [{"name": name} for name in sorted(self.account_fields)]
        return [{"name": "Rescue_Case__c", "externalId": True, "unique": True}, {"name": "Outcome__c"}]

    def _by_key(self, method: str, key: str, body: Any) -> VendorAnswer:
        record = self.keys.get(key)
        record = record if record in self.records else None
        if method == "GET":
            return VendorAnswer(200, {"Id": record}) if record else VendorAnswer(404, [{"errorCode": "NOT_FOUND"}])
        made = record is None
        if record is None:
            record = f"500{len(self.keys):04}"
            self.keys[key] = record
            status = "Not Started" if self.kind == "Task" else "New"
            self.records[record] = {"Id": record, "Status": status, "OwnerId": f"005-{US}", "Outcome__c": None}
        self.records[record] |= body | {"LastModifiedDate": self.now, "LastModifiedBy": _person(US)}
        return VendorAnswer(201 if made else 200, {"id": record, "success": True, "created": made})

    def _update(self, kind: str, key: str, body: dict[str, Any]) -> VendorAnswer:
        if kind == "Account":
            if unknown := set(body) - self.account_fields:
                field = sorted(unknown)[0]
                error = {
                    "errorCode": "INVALID_FIELD",
                    "message": f"No such column '{field}' on sobject of type Account",
                }
                return VendorAnswer(400, [error])
            self.accounts[key] |= body
            return VendorAnswer(204)
        if key not in self.records:
            return VendorAnswer(404, [{"errorCode": "NOT_FOUND"}])
        self._set(key, body, US)
        return VendorAnswer(204)

    def _query(self, query: str) -> VendorAnswer:
        values = re.findall(r"'([^']*)'", query)
        if "FROM Account" in query:
            column = "Id" if "WHERE Id" in query else "AccountNumber"
            rows = [row for row in self.accounts.values() if row[column] in values]
        elif "FROM User" in query:
            rows = [{"Id": f"005-{values[0]}"}] if values[0] in PEOPLE else []
        elif "FROM CaseHistory" in query:
            rows = [row for row in self.history if row["CaseId"] in values]
        elif "MAX(CreatedDate)" in query:
            newest = {note["ParentId"]: note["CreatedDate"] for note in self.notes if note["ParentId"] in values}
            rows = [{"ParentId": key, "newest": moment} for key, moment in newest.items()]
        elif "FROM CaseComment" in query or "FROM FeedItem" in query:
            column = "CommentBody" if "CaseComment" in query else "Body"
            rows = [{**note, column: note["text"]} for note in self.notes if note["ParentId"] in values]
        else:
            rows = [self._shown(row) for row in self.records.values() if row["Id"] in values]
        return VendorAnswer(200, {"records": rows, "done": True})

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        mail = row["OwnerId"].removeprefix("005-")
        return {**row, "IsClosed": row["Status"] in CLOSED, "Owner": _person(mail)}

    def _note(self, record: str, text: str, by: str) -> None:
        note = {"Id": f"n{len(self.notes)}", "ParentId": record, "text": text, "CreatedDate": self.now}
        self.notes.append(note | {"CreatedBy": _person(by)})

    def _set(self, key: str, fields: dict[str, Any], by: str) -> None:
        self.records[key] |= fields | {"LastModifiedDate": self.now, "LastModifiedBy": _person(by)}
        names = {"Status": "Status", "OwnerId": "Owner"}
        for field in names.keys() & fields.keys():
            entry = {"CaseId": key, "Field": names[field], "CreatedDate": self.now, "CreatedBy": _person(by)}
            self.history.append(entry)
