"""A Zendesk Support: tickets with comments and audits, users, organisations with fields."""

import re
from typing import Any

from support.vendors.fake_vendor import PEOPLE, ZOE, FakeVendor, RecordView, VendorAnswer, VendorRequest

US = 1
IDS = {mail: number for number, mail in enumerate(PEOPLE, 2)}
MAILS = {number: mail for mail, number in IDS.items()}


class FakeZendesk(FakeVendor):
    """The state of one account; ``US`` is the user of the token."""

    title = "Zendesk"

    def __init__(self) -> None:
        super().__init__()
        self.users = {US: {"id": US, "name": "Rescue", "email": "rescue@desk.example", "role": "admin", "active": True}}
        for mail, number in IDS.items():
            self.users[number] = {"id": number, "name": PEOPLE[mail], "email": mail, "role": "agent", "active": True}
        self.organizations: dict[int, dict[str, Any]] = {
            70: {"id": 70, "name": "Account 0", "external_id": "a000000", "organization_fields": {}}
        }
        self.organization_fields = {"rescue_risk", "rescue_health", "rescue_state"}
        self.tickets: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.audits: dict[int, list[dict[str, Any]]] = {}

    def authorized(self, request: VendorRequest) -> bool:
        return request.headers.get("authorization", "").startswith("Basic ")

    @property
    def now(self) -> str:
        return f"{self.moment:%Y-%m-%dT%H:%M:%SZ}"

    def settings(self) -> dict[str, Any]:
        fields = {"risk": "rescue_risk", "health": "rescue_health", "state": "rescue_state"}
        sign_in = {"user": "rescue@desk.example", "token": self.token}
        return {"kind": "zendesk", "account_fields": fields, **sign_in}

    def views(self) -> list[RecordView]:
        return [
            RecordView(
                str(key),
                ticket["subject"],
                self.comments[key][0]["body"],
                ticket["status"] in ("solved", "closed"),
                MAILS.get(ticket["assignee_id"]),
                tuple(row["body"] for row in self.comments[key][1:]),
            )
            for key, ticket in self.tickets.items()
        ]

    def account(self) -> dict[str, Any]:
        fields = self.organizations[70]["organization_fields"]
        return {name.removeprefix("rescue_"): value for name, value in fields.items()}

    def change(self, record: str, by: str, **fields: Any) -> None:
        """What somebody does in the help desk."""
        self.seconds += 1
        self._apply(self.tickets[int(record)], dict(fields), IDS[by])

    def they_comment(self, record: str, text: str, by: str = ZOE) -> None:
        self.change(record, by, comment={"body": text, "public": False})

    def they_assign(self, record: str, owner: str | None, by: str = ZOE) -> None:
        self.change(record, by, assignee_id=IDS[owner] if owner else None)

    def they_close(self, record: str, by: str = ZOE, outcome: str = "") -> None:
        tags = [*self.tickets[int(record)]["tags"], *([outcome] if outcome else [])]
        self.change(record, by, status="solved", tags=tags)

    def they_reopen(self, record: str, by: str = ZOE) -> None:
        self.change(record, by, status="open")

    def they_delete(self, record: str) -> None:
        del self.tickets[int(record)]

    def answer(self, request: VendorRequest) -> VendorAnswer:
        path = request.path.removeprefix("/api/v2/").removesuffix(".json")
        method = request.method
        if path == "users/me":
            return VendorAnswer(200, {"user": self.users[US]})
        if path == "users/search":
            mail = request.query["query"].removeprefix("email:")
            return VendorAnswer(200, {"users": [user for user in self.users.values() if user["email"] == mail]})
        if path == "users/show_many":
            ids = [int(key) for key in request.query["ids"].split(",")]
            return VendorAnswer(200, {"users": [self.users[key] for key in ids if key in self.users]})
        if path == "organizations/search":
            wanted = request.query["external_id"]
            found = [row for row in self.organizations.values() if row["external_id"] == wanted]
            return VendorAnswer(200, {"organizations": found})
        if (found_id := re.fullmatch(r"organizations/(\d+)", path)) is not None:
            return self._organization(method, int(found_id[1]), request.body)
        if (found_id := re.fullmatch(r"organizations/(\d+)/tickets", path)) is not None:
            rows = [row for row in self.tickets.values() if row.get("organization_id") == int(found_id[1])]
            return VendorAnswer(200, {"tickets": sorted(rows, key=lambda row: -row["id"])})
        return self._tickets(method, path, request)

    def _organization(self, method: str, key: int, body: Any) -> VendorAnswer:
        row = self.organizations.get(key)
        if row is None:
            return VendorAnswer(404, {"error": "RecordNotFound"})
        if method == "PUT":
            fields = body["organization"]["organization_fields"]
            if unknown := set(fields) - self.organization_fields:
                return VendorAnswer(422, {"error": "RecordInvalid", "description": f"{sorted(unknown)[0]} is invalid"})
            row["organization_fields"] |= fields
        return VendorAnswer(200, {"organization": row})

    def _tickets(self, method: str, path: str, request: VendorRequest) -> VendorAnswer:
        if path == "tickets" and method == "GET":
            wanted = request.query.get("external_id")
            return VendorAnswer(
                200, {"tickets": [row for row in self.tickets.values() if row["external_id"] == wanted]}
            )
        if path == "tickets":
            return VendorAnswer(201, {"ticket": self.create(request.body["ticket"], US)})
        if path == "tickets/show_many":
            ids = [int(key) for key in request.query["ids"].split(",")]
            return VendorAnswer(200, {"tickets": [self.tickets[key] for key in ids if key in self.tickets]})
        found = re.fullmatch(r"tickets/(\d+)(/comments|/audits)?", path)
        if found is None or int(found[1]) not in self.tickets:
            return VendorAnswer(404, {"error": "RecordNotFound"})
        key = int(found[1])
        if found[2]:
            rows = {"/comments": self.comments, "/audits": self.audits}[found[2]][key]
            page, size = int(request.query.get("page", 1)), int(request.query.get("per_page", 100))
            more = len(rows) > page * size
            shown = rows[(page - 1) * size : page * size]
            return VendorAnswer(200, {found[2][1:]: shown, "next_page": "more" if more else None})
        if method == "PUT":
            if self.tickets[key]["status"] == "closed":
                return VendorAnswer(422, {"error": "RecordInvalid"})
            self._apply(self.tickets[key], dict(request.body["ticket"]), US)
        return VendorAnswer(200, {"ticket": self.tickets[key]})

    def create(self, fields: dict[str, Any], by: int) -> dict[str, Any]:
        """A new ticket."""
        key = 1000 + len(self.tickets)
        ticket = {
            "id": key,
            "external_id": None,
            "status": "new",
            "assignee_id": None,
            "tags": [],
            "custom_fields": [],
            "created_at": self.now,
        }
        self.tickets[key], self.comments[key], self.audits[key] = ticket, [], []
        self._apply(ticket, dict(fields), by)
        return ticket

    def _apply(self, ticket: dict[str, Any], fields: dict[str, Any], by: int) -> None:
        comment = fields.pop("comment", None)
        audit = {"author_id": by, "created_at": self.now, "events": []}
        if comment is not None:
            rows = self.comments[ticket["id"]]
            number = ticket["id"] * 100 + len(rows)
            rows.append(
                {
                    "id": number,
                    "author_id": by,
                    "body": comment["body"],
                    "plain_body": comment["body"],
                    "public": comment["public"],
                    "created_at": self.now,
                }
            )
        for name, value in fields.items():
            if ticket.get(name) != value:
                audit["events"].append({"type": "Change", "field_name": name, "value": value})
        ticket.update(fields)
        ticket["updated_at"] = self.now
        self.audits[ticket["id"]].append(audit)
