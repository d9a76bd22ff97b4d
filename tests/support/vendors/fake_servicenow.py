"""A ServiceNow: the Table API over incidents, users, companies and the journal."""

import re
from typing import Any

from support.vendors.fake_vendor import PEOPLE, ZOE, FakeVendor, RecordView, VendorAnswer, VendorRequest


def _login(mail: str) -> str:
    return PEOPLE.get(mail, "Rescue").lower().replace(" ", ".")


class FakeServiceNow(FakeVendor):
    """Tables of rows; an encoded query is a list of conditions that are joined by ``^``."""

    title = "ServiceNow"

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, dict[str, dict[str, Any]]] = {
            "incident": {},
            "sys_journal_field": {},
            "core_company": {"c0": {"sys_id": "c0", "u_customer_id": "a000000"}},
            "sys_user": {
                f"user-{_login(mail)}": {
                    "sys_id": f"user-{_login(mail)}",
                    "user_name": _login(mail),
                    "name": name,
                    "email": mail,
                    "active": "true",
                }
                for mail, name in PEOPLE.items()
            },
        }
        self.company_columns = {"u_risk", "u_health", "u_state"}

    def settings(self) -> dict[str, Any]:
        fields = {"risk": "u_risk", "health": "u_health", "state": "u_state"}
        keys = {"account_key": "u_customer_id", "account_fields": fields}
        return {"kind": "servicenow", "user": "rescue", "token": self.token, **keys}

    def authorized(self, request: VendorRequest) -> bool:
        return request.headers.get("authorization", "").startswith("Basic ")

    @property
    def now(self) -> str:
        return f"{self.moment:%Y-%m-%d %H:%M:%S}"

    def views(self) -> list[RecordView]:
        mails = {row["sys_id"]: row["email"] for row in self.tables["sys_user"].values()}
        return [
            RecordView(
                key,
                row["short_description"],
                row["description"],
                row["state"] in ("6", "7", "8"),
                mails.get(row["assigned_to"]),
                tuple(note["value"] for note in self._journal(key)),
            )
            for key, row in self.tables["incident"].items()
        ]

    def account(self) -> dict[str, Any]:
        row = self.tables["core_company"]["c0"]
        return {name.removeprefix("u_"): row[name] for name in self.company_columns if name in row}

    def they_comment(self, record: str, text: str, by: str = ZOE) -> None:
        self._change(record, {"work_notes": text}, by)

    def they_assign(self, record: str, owner: str | None, by: str = ZOE) -> None:
        self._change(record, {"assigned_to": f"user-{_login(owner)}" if owner else ""}, by)

    def they_close(self, record: str, by: str = ZOE, outcome: str = "") -> None:
        who = {"resolved_by": f"user-{_login(by)}", "resolved_at": self.now}
        self._change(record, {"state": "6", "close_code": outcome, "close_notes": "", **who}, by)

    def they_reopen(self, record: str, by: str = ZOE) -> None:
        self._change(record, {"state": "2"}, by)

    def they_delete(self, record: str) -> None:
        del self.tables["incident"][record]

    def answer(self, request: VendorRequest) -> VendorAnswer:
        found = re.fullmatch(r"/api/now/table/([a-z_]+)(/(.+))?", request.path)
        if found is None or found[1] not in self.tables:
            return VendorAnswer(400, {"error": {"message": "Invalid table"}})
        table, key = found[1], found[3]
        rows = self.tables[table]
        if request.method == "POST":
            return VendorAnswer(201, {"result": self._create(request.body)})
        if key is not None and key not in rows:
            return VendorAnswer(404, {"error": {"message": "No Record found"}})
        if request.method == "PATCH":
            if table == "core_company":
                if unknown := set(request.body) - self.company_columns:
                    return VendorAnswer(403, {"error": {"message": f"no write access to {sorted(unknown)[0]}"}})
                rows[key] |= request.body
            else:
                self._change(key, request.body, "rescue@desk.example", step=0)
            return VendorAnswer(200, {"result": rows[key]})
        matching = [row for row in rows.values() if _matches(row, request.query.get("sysparm_query", ""))]
        return VendorAnswer(200, {"result": matching})

    def _journal(self, key: str) -> list[dict[str, Any]]:
        return [row for row in self.tables["sys_journal_field"].values() if row["element_id"] == key]

    def _create(self, fields: dict[str, Any]) -> dict[str, Any]:
        key = f"inc{len(self.tables['incident'])}"
        row = {"sys_id": key, "state": "1", "assigned_to": "", "close_code": "", "close_notes": "", "sys_mod_count": 0}
        self.tables["incident"][key] = row | fields | {"sys_updated_on": self.now, "sys_updated_by": "rescue"}
        return self.tables["incident"][key]

    def _change(self, key: str, fields: dict[str, Any], by: str, step: int = 1) -> None:
        self.seconds += step
        row = self.tables["incident"][key]
        note = fields.get("work_notes")
        if note is not None:
            journal = self.tables["sys_journal_field"]
            entry = {"sys_id": f"j{len(journal)}", "element_id": key, "element": "work_notes", "value": note}
            journal[entry["sys_id"]] = entry | {"sys_created_by": _login(by), "sys_created_on": self.now}
        row |= {name: value for name, value in fields.items() if name != "work_notes"}
        row |= {"sys_updated_on": self.now, "sys_updated_by": _login(by), "sys_mod_count": row["sys_mod_count"] + 1}


def _matches(row: dict[str, Any], query: str) -> bool:
    """Whether a row meets an encoded query; ``^OR`` belongs to the condition before it."""
    for part in query.split("^"):
        if part.startswith("ORDERBY") or not part:
            continue
        if part.startswith("OR"):
            continue
        alternatives = [part, *(other.removeprefix("OR") for other in _alternatives(query, part))]
        if not any(_meets(row, condition) for condition in alternatives):
            return False
    return True


def _alternatives(query: str, part: str) -> list[str]:
    parts = query.split("^")
    found = []
    for following in parts[parts.index(part) + 1 :]:
        if not following.startswith("OR") or following.startswith("ORDERBY"):
            break
        found.append(following)
    return found


def _meets(row: dict[str, Any], condition: str) -> bool:
    if (within := re.fullmatch(r"([a-z_]+)IN(.*)", condition)) is not None:
        return str(row.get(within[1])) in within[2].split(",")
    name, _, value = condition.partition("=")
    return str(row.get(name)) == value
