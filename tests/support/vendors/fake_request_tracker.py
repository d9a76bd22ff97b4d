"""A Request Tracker: tickets, transactions with texts, users, as REST 2 of version 5 has them."""

import re
from typing import Any

from support.vendors.fake_vendor import PEOPLE, ZOE, FakeVendor, RecordView, VendorAnswer, VendorRequest

US = "rescue"


def _login(mail: str | None) -> str:
    return mail.partition("@")[0] + "-rt" if mail else "Nobody"


MAILS = {_login(mail): mail for mail in PEOPLE}


class FakeRequestTracker(FakeVendor):
    """One queue, General."""

    title = "Request Tracker"

    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[int, dict[str, Any]] = {}
        self.transactions: list[dict[str, Any]] = []

    def settings(self) -> dict[str, Any]:
        return {"kind": "rt", "token": self.token, "outcome_field": "Outcome"}

    @property
    def now(self) -> str:
        return f"{self.moment:%Y-%m-%dT%H:%M:%SZ}"

    def views(self) -> list[RecordView]:
        return [
            RecordView(
                str(key),
                ticket["Subject"],
                ticket["Content"],
                ticket["Status"] == "resolved",
                MAILS.get(ticket["Owner"]),
                tuple(row["text"] for row in self.transactions if row["ticket"] == key and row["Type"] == "Comment"),
            )
            for key, ticket in self.tickets.items()
        ]

    def account(self) -> dict[str, Any]:
        return {}

    def they_comment(self, record: str, text: str, by: str = ZOE) -> None:
        self.seconds += 1
        self._add(int(record), "Comment", _login(by), text=text)

    def they_assign(self, record: str, owner: str | None, by: str = ZOE) -> None:
        self.seconds += 1
        self._set(int(record), {"Owner": _login(owner)}, _login(by))

    def they_close(self, record: str, by: str = ZOE, outcome: str = "") -> None:
        self.seconds += 1
        fields = {"CustomFields": {"Outcome": outcome}} if outcome else {}
        self._set(int(record), {"Status": "resolved", **fields}, _login(by))

    def they_reopen(self, record: str, by: str = ZOE) -> None:
        self.seconds += 1
        self._set(int(record), {"Status": "open"}, _login(by))

    def they_delete(self, record: str) -> None:
        self.tickets[int(record)]["Status"] = "deleted"

    def answer(self, request: VendorRequest) -> VendorAnswer:
        path, method = request.path.removeprefix("/REST/2.0"), request.method
        if path == "/rt":
            return VendorAnswer(200, {"Version": "5.0.3"})
        if path == "/queue/General":
            return VendorAnswer(200, {"id": "1"})
        if path == "/tickets":
            return VendorAnswer(200, {"items": [self._shown(key) for key in self._search(request.query["query"])]})
        if path == "/users":
            wanted = request.body[0]
            names = {
                "EmailAddress": {mail: name for name, mail in MAILS.items()},
                "Name": {name: name for name in MAILS},
            }
            name = names[wanted["field"]].get(wanted["value"])
            return VendorAnswer(200, {"items": [{"id": name, "type": "user"}] if name else []})
        if path.startswith("/user/"):
            name = path.removeprefix("/user/")
            if name not in MAILS:
                return VendorAnswer(404, {"message": "Not Found"})
            mail = MAILS[name]
            return VendorAnswer(200, {"Name": name, "EmailAddress": mail, "RealName": PEOPLE[mail]})
        if path == "/ticket" and method == "POST":
            return VendorAnswer(201, {"id": str(self._create(request.body)), "type": "ticket"})
        if (found := re.fullmatch(r"/transaction/(\d+)/attachments", path)) is not None:
            text = next(row["text"] for row in self.transactions if row["id"] == found[1])
            return VendorAnswer(200, {"items": [{"ContentType": "text/plain", "Content": text}]})
        return self._ticket(path, request)

    def _ticket(self, path: str, request: VendorRequest) -> VendorAnswer:
        found = re.fullmatch(r"/ticket/(\d+)(/history|/comment)?", path)
        if found is None or int(found[1]) not in self.tickets:
            return VendorAnswer(404, {"message": "Not Found"})
        key = int(found[1])
        if found[2] == "/history":
            rows = [row for row in self.transactions if row["ticket"] == key]
            return VendorAnswer(200, {"items": rows[:100], "total": len(rows)})
        if found[2] == "/comment":
            self._add(key, "Comment", US, text=request.body["Content"])
            return VendorAnswer(201, ["Comments added"])
        self._set(key, request.body, US)
        return VendorAnswer(200, ["Ticket updated"])

    def _search(self, query: str) -> list[int]:
        live = [key for key, ticket in self.tickets.items() if ticket["Status"] != "deleted"]
        if (subject := re.search(r"Subject LIKE '([^']*)'", query)) is not None:
            return [key for key in live if subject[1] in self.tickets[key]["Subject"]]
        wanted = {int(number) for number in re.findall(r"id = (\d+)", query)}
        return [key for key in live if key in wanted]

    def _shown(self, key: int) -> dict[str, Any]:
        ticket = self.tickets[key]
        custom = [{"name": name, "values": [value]} for name, value in ticket["CustomFields"].items()]
        return {"id": str(key), **ticket, "Owner": {"id": ticket["Owner"], "type": "user"}, "CustomFields": custom}

    def _create(self, fields: dict[str, Any]) -> int:
        key = len(self.tickets) + 1
        state = {"Status": "new", "Owner": "Nobody", "LastUpdated": self.now, "CustomFields": {}}
        self.tickets[key] = {**fields, **state}
        self._add(key, "Create", US, text=fields["Content"])
        return key

    def _set(self, key: int, fields: dict[str, Any], by: str) -> None:
        ticket = self.tickets[key]
        for name, kind in (("Status", "Status"), ("Owner", "Set")):
            if name in fields and fields[name] != ticket[name]:
                self._add(key, kind, by, field=name)
        ticket["CustomFields"] |= fields.get("CustomFields", {})
        ticket |= {name: value for name, value in fields.items() if name != "CustomFields"}
        ticket["LastUpdated"] = self.now

    def _add(self, key: int, kind: str, by: str, *, text: str = "", field: str = "") -> None:
        row = {"id": str(len(self.transactions) + 1), "ticket": key, "Type": kind, "Field": field, "text": text}
        self.transactions.append(row | {"Creator": {"id": by, "type": "user"}, "Created": self.now})
        self.tickets[key]["LastUpdated"] = self.now
