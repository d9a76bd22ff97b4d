"""A HubSpot: tickets by a unique property, notes with associations, owners, companies, histories of properties."""

import re
from typing import Any

from support.vendors.fake_vendor import PEOPLE, ZOE, FakeVendor, RecordView, VendorAnswer, VendorRequest

OWNERS = {mail: str(number) for number, mail in enumerate(PEOPLE, 11)}
MAILS = {number: mail for mail, number in OWNERS.items()}


def _owner(mail: str) -> dict[str, Any]:
    first, _, last = PEOPLE[mail].partition(" ")
    return {"id": OWNERS[mail], "userId": int(OWNERS[mail]), "email": mail, "firstName": first, "lastName": last}


class FakeHubSpot(FakeVendor):
    """One portal."""

    title = "HubSpot"

    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[str, dict[str, Any]] = {}
        self.histories: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self.notes: dict[str, dict[str, Any]] = {}
        self.companies = {"900": {"customer": "a000000"}}
        self.company_properties = {"rescue_risk", "rescue_health", "rescue_state"}
        self.links: set[tuple[str, str]] = set()

    def settings(self) -> dict[str, Any]:
        fields = {"risk": "rescue_risk", "health": "rescue_health", "state": "rescue_state"}
        keys = {"account_key": "customer", "account_fields": fields, "outcome_property": "outcome"}
        return {"kind": "hubspot", "token": self.token, "portal": "77", **keys}

    @property
    def now(self) -> str:
        return f"{self.moment:%Y-%m-%dT%H:%M:%S}.000Z"

    def views(self) -> list[RecordView]:
        return [
            RecordView(
                key,
                values["subject"],
                values["content"],
                values["hs_pipeline_stage"] == "4",
                MAILS.get(values.get("hubspot_owner_id", "")),
                tuple(note["hs_note_body"] for note in self.notes.values() if note["ticket"] == key),
            )
            for key, values in self.tickets.items()
        ]

    def account(self) -> dict[str, Any]:
        row = self.companies["900"]
        return {name.removeprefix("rescue_"): row[name] for name in self.company_properties if name in row}

    def they_comment(self, record: str, text: str, by: str = ZOE) -> None:
        self.seconds += 1
        self._note(record, f"<p>{text}</p>", by)

    def they_assign(self, record: str, owner: str | None, by: str = ZOE) -> None:
        self.seconds += 1
        self._set(record, {"hubspot_owner_id": OWNERS[owner] if owner else ""}, by)

    def they_close(self, record: str, by: str = ZOE, outcome: str = "") -> None:
        self.seconds += 1
        self._set(record, {"hs_pipeline_stage": "4", **({"outcome": outcome} if outcome else {})}, by)

    def they_reopen(self, record: str, by: str = ZOE) -> None:
        self.seconds += 1
        self._set(record, {"hs_pipeline_stage": "2"}, by)

    def they_delete(self, record: str) -> None:
        del self.tickets[record]

    def answer(self, request: VendorRequest) -> VendorAnswer:
        path, method, body = request.path, request.method, request.body
        if path.startswith("/crm/v3/properties/"):
            kind, name = path.split("/")[-2:]
            known = {"rescue_case"} if kind == "tickets" else self.company_properties
            return VendorAnswer(200, {"hasUniqueValue": True}) if name in known else VendorAnswer(404, {})
        if path == "/crm/v3/pipelines/tickets/0/stages":
            stages = [{"id": str(n), "metadata": {"ticketState": "CLOSED" if n == 4 else "OPEN"}} for n in range(1, 5)]
            return VendorAnswer(200, {"results": stages})
        if path == "/crm/v3/owners":
            mail = request.query["email"]
            return VendorAnswer(200, {"results": [_owner(mail)] if mail in PEOPLE else []})
        if (found := re.fullmatch(r"/crm/v3/owners/(\d+)", path)) is not None:
            mail = MAILS.get(found[1])
            return VendorAnswer(200, _owner(mail)) if mail else VendorAnswer(404, {})
        if path.startswith("/crm/v3/objects/companies"):
            return self._companies(method, path, body)
        if path.startswith("/crm/v3/objects/notes"):
            return self._notes(path, body)
        if (found := re.fullmatch(r"/crm/v4/objects/tickets/(\w+)/associations/(.*)", path)) is not None:
            if method == "PUT":
                self.links.add((found[1], found[2].rpartition("/")[2]))
                return VendorAnswer(200, {})
            ids = [{"toObjectId": int(key)} for key, note in self.notes.items() if note["ticket"] == found[1]]
            return VendorAnswer(200, {"results": ids})
        return self._tickets(request)

    def _tickets(self, request: VendorRequest) -> VendorAnswer:
        what, body = request.path.removeprefix("/crm/v3/objects/tickets/"), request.body
        if what == "batch/upsert":
            row = body["inputs"][0]
            return VendorAnswer(200, {"results": [{"id": self._upsert(row["id"], row["properties"])}]})
        if what == "batch/read":
            found = [row["id"] for row in body["inputs"] if row["id"] in self.tickets]
            return VendorAnswer(200, {"results": [{"id": key, "properties": self.tickets[key]} for key in found]})
        key: str | None = what
        if request.query.get("idProperty"):
            key = next((key for key, row in self.tickets.items() if row["rescue_case"] == what), None)
        if key not in self.tickets:
            return VendorAnswer(404, {"category": "OBJECT_NOT_FOUND"})
        if request.method == "PATCH":
            self._set(key, body["properties"], None)
        return VendorAnswer(200, {"id": key, "propertiesWithHistory": self.histories[key]})

    def _companies(self, method: str, path: str, body: Any) -> VendorAnswer:
        if path.endswith("/search"):
            wanted = body["filterGroups"][0]["filters"][0]
            found = [key for key, row in self.companies.items() if row.get(wanted["propertyName"]) == wanted["value"]]
            return VendorAnswer(200, {"results": [{"id": key} for key in found]})
        key = path.rpartition("/")[2]
        if key not in self.companies:
            return VendorAnswer(404, {"category": "OBJECT_NOT_FOUND"})
        if method == "PATCH":
            if unknown := set(body["properties"]) - self.company_properties:
                message = f'Property "{sorted(unknown)[0]}" does not exist'
                return VendorAnswer(400, {"category": "VALIDATION_ERROR", "message": message})
            self.companies[key] |= body["properties"]
        return VendorAnswer(200, {"id": key})

    def _notes(self, path: str, body: Any) -> VendorAnswer:
        if path.endswith("batch/read"):
            found = [row["id"] for row in body["inputs"] if row["id"] in self.notes]
            return VendorAnswer(200, {"results": [{"id": key, "properties": self.notes[key]} for key in found]})
        self._note(body["associations"][0]["to"]["id"], body["properties"]["hs_note_body"], None)
        return VendorAnswer(201, {"id": "1"})

    def _upsert(self, key: str, properties: dict[str, Any]) -> str:
        found = next((number for number, row in self.tickets.items() if row["rescue_case"] == key), None)
        number = found or str(500 + len(self.tickets))
        if found is None:
            self.tickets[number], self.histories[number] = {}, {"hs_pipeline_stage": [], "hubspot_owner_id": []}
        self._set(number, properties, None)
        return number

    def _note(self, record: str, text: str, by: str | None) -> None:
        number = str(7000 + len(self.notes))
        user = {"hs_created_by_user_id": OWNERS[by]} if by else {}
        self.notes[number] = {"ticket": record, "hs_note_body": text, "hs_timestamp": self.now, **user}
        self.tickets[record]["notes_last_updated"] = self.now

    def _set(self, key: str, properties: dict[str, Any], by: str | None) -> None:
        self.tickets[key] |= properties | {"hs_lastmodifieddate": self.now}
        for name in self.histories[key].keys() & properties.keys():
            user = {"updatedByUserId": int(OWNERS[by])} if by else {}
            self.histories[key][name].append({"value": properties[name], "timestamp": self.now, **user})
