"""Zendesk Support: a ticket for each case, found again by its ``external_id``, or notes on the customer's open ticket.

https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from serving.delivery.records.marks import RECORD_KEY_PREFIX, marked_entry
from serving.delivery.records.record_settings import PasswordSettings, token_or_password
from serving.delivery.records.record_system import (
    ExternalChange,
    ExternalNote,
    ExternalPerson,
    RecordChanges,
    RecordDraft,
    RecordRef,
    RecordState,
    UnknownPersonError,
    utc_instant,
)
from serving.delivery.records.record_writer import CaseRecords
from serving.delivery.records.rest_client import RestClient, segment

_PRIORITIES = {"critical": "urgent", "high": "high", "medium": "normal", "low": "low"}
_CLOSED = ("solved", "closed")
TAG = "rescue"


class ZendeskSettings(PasswordSettings):
    """Zendesk Support; ``user`` is the agent whose API token it is, without one the token is an OAuth token.

    With ``record = "note"``, an open ticket of the account gets the hand-off as an internal note, where there is one.
    ``outcome_field`` is the id of a ticket field that gets the outcome; ``group`` the id of the group of new tickets.
    """

    kind: Literal["zendesk"]
    record: Literal["ticket", "note"] = "ticket"
    outcome_field: int | None = None
    group: int | None = None

    def open(self) -> CaseRecords:
        """The channel."""
        sign_in = token_or_password(self.user, self.secret(), suffix="/token")
        client = self.client("Zendesk", sign_in)
        return self.keep(ZendeskRecords(client, self.record == "note", self.outcome_field, self.group), self.kind)


class ZendeskRecords:
    """The tickets of a Zendesk."""

    title = "Zendesk"
    longest = 60_000
    account_key = "external_id"

    def __init__(
        self,
        client: RestClient,
        on_open_ticket: bool = False,
        outcome_field: int | None = None,
        group: int | None = None,
    ) -> None:
        self.client = client
        self.on_open_ticket = on_open_ticket
        self.outcome_field = outcome_field
        self.group = group
        self._people: dict[int, ExternalPerson] = {}

    def begin(self, seconds: float) -> None:
        """All requests from now on have to end within so many seconds."""
        self.client.begin(seconds)

    def ensure(self, draft: RecordDraft) -> RecordRef:
        """The ticket with this external id, else a new one; its first comment is internal."""
        found = self.client.get("/api/v2/tickets.json", params={"external_id": draft.key}).get("tickets") or []
        ours = [ticket for ticket in found if ticket.get("external_id") == draft.key and ticket["status"] != "deleted"]
        if ours:
            return self._ref(min(ours, key=lambda ticket: int(ticket["id"])))
        theirs = self._open_ticket(draft.account) if self.on_open_ticket and draft.account else None
        if theirs is not None:
            self._add_handoff(theirs.id, draft)
            return theirs
        ticket = {
            "external_id": draft.key,
            "subject": draft.subject,
            "comment": {"body": draft.text, "public": False},
            "tags": [TAG],
            "priority": _PRIORITIES.get(draft.severity.casefold(), "normal"),
            **({"group_id": self.group} if self.group else {}),
        }
        answer = self.client.call("POST", "/api/v2/tickets.json", content={"ticket": ticket}, creates=True)
        return self._ref(answer.get("ticket"))

    def _add_handoff(self, record_id: str, draft: RecordDraft) -> None:
        """The hand-off as an internal note of the customer's own ticket, once."""
        case_id = draft.key.removeprefix(RECORD_KEY_PREFIX)
        if all(marked_entry(note.text, case_id) != 0 for note in self.notes(record_id)):
            self.add_note(record_id, draft.text)

    def _open_ticket(self, account: str) -> RecordRef | None:
        """The newest open ticket of an organisation that is not ours, for notes."""
        path = f"/api/v2/organizations/{segment(account)}/tickets.json"
        found = self.client.get(path, params={"sort_by": "created_at", "sort_order": "desc"}).get("tickets") or []
        theirs = (ticket for ticket in found if TAG not in (ticket.get("tags") or ()))
        ticket = next((ticket for ticket in theirs if ticket["status"] not in (*_CLOSED, "deleted")), None)
        return replace(self._ref(ticket), own=False) if ticket is not None else None

    def add_note(self, record_id: str, text: str) -> None:
        """Add an internal note."""
        self._update(record_id, {"comment": {"body": text, "public": False}})

    def assign(self, record_id: str, owner: str | None) -> None:
        """Give the ticket to the agent with this address."""
        if owner is None:
            self._update(record_id, {"assignee_id": None})
            return
        found = self.client.get("/api/v2/users/search.json", params={"query": f"email:{owner}"}).get("users") or []
        agents = [user for user in found if user.get("role") in ("agent", "admin") and user.get("active", True)]
        if not agents:
            raise UnknownPersonError(f"Zendesk has no agent {owner}.", permanent=True)
        self._update(record_id, {"assignee_id": agents[0]["id"]})

    def close(self, record_id: str, outcome: str, text: str) -> None:
        """Solve the ticket; Zendesk closes it some days later."""
        if self._status(record_id) == "closed":
            return
        fields = [{"id": self.outcome_field, "value": outcome}] if self.outcome_field else []
        self._update(record_id, {"status": "solved", **({"custom_fields": fields} if fields else {})})

    def reopen(self, record_id: str) -> None:
        """Open the ticket again; one that Zendesk has closed for good stays so."""
        self._update(record_id, {"status": "open"})

    def find_account(self, key: str, account_id: str) -> str | None:
        """The organisation with this id, external id or value of an organisation field."""
        if key == "id":
            path = f"/api/v2/organizations/{segment(account_id)}.json"
            found = self.client.get(path, expected=(400, 404)).get("organization", "id")
            return None if found is None else str(found)
        if key == "external_id":
            answer = self.client.get("/api/v2/organizations/search.json", params={"external_id": account_id})
            rows = answer.get("organizations") or []
        else:
            quoted = account_id.replace('"', "")
            query = f'type:organization {key}:"{quoted}"'
            rows = self.client.get("/api/v2/search.json", params={"query": query}).get("results") or []
        return str(rows[0]["id"]) if rows else None

    def write_account(self, account: str, values: Mapping[str, Any]) -> None:
        """Write organisation fields."""
        body = {"organization": {"organization_fields": dict(values)}}
        self.client.call("PUT", f"/api/v2/organizations/{segment(account)}.json", content=body, names=list(values))

    def read(self, record_ids: Collection[str]) -> list[RecordState]:
        """The tickets, a hundred with one request."""
        tickets = [
            ticket
            for part in _parts(sorted(record_ids), 100)
            for ticket in self.client.get("/api/v2/tickets/show_many.json", params={"ids": ",".join(part)}).get(
                "tickets"
            )
            or []
            if ticket["status"] != "deleted"
        ]
        self._load_people(ticket["assignee_id"] for ticket in tickets if ticket.get("assignee_id"))
        return [self._state(ticket) for ticket in tickets]

    def changes(self, record_id: str) -> RecordChanges:
        """Who solved and assigned the ticket, from its audits."""
        audits = self._pages(f"/api/v2/tickets/{segment(record_id)}/audits.json", "audits")
        self._load_people(audit["author_id"] for audit in audits)
        closed, owner = ExternalChange(), ExternalChange()
        for audit in audits:
            change = ExternalChange(self._person(audit["author_id"]), utc_instant(audit.get("created_at")))
            for event in audit.get("events") or ():
                if event.get("field_name") == "status" and event.get("type") in ("Change", "Create"):
                    closed = change
                elif event.get("field_name") == "assignee_id" and event.get("type") in ("Change", "Create"):
                    owner = change
        return RecordChanges(closed, owner)

    def notes(self, record_id: str) -> list[ExternalNote]:
        """All comments, internal and public."""
        comments = self._pages(f"/api/v2/tickets/{segment(record_id)}/comments.json", "comments")
        self._load_people(comment["author_id"] for comment in comments)
        return [
            ExternalNote(
                str(comment["id"]),
                comment.get("plain_body") or comment.get("body") or "",
                self._person(comment["author_id"]),
                moment,
            )
            for comment in comments
            if (moment := utc_instant(comment.get("created_at"))) is not None
        ]

    def test(self) -> str:
        """Sign in."""
        user = self.client.get("/api/v2/users/me.json").get("user") or {}
        if user.get("role") not in ("agent", "admin"):
            raise UnknownPersonError("Zendesk does not accept the credentials: set user and token.", permanent=True)
        return f"as {user.get('name')} ({user.get('role')})"

    def _update(self, record_id: str, fields: Mapping[str, Any]) -> None:
        path = f"/api/v2/tickets/{segment(record_id)}.json"
        names = ["assignee_id"] if "assignee_id" in fields else [str(self.outcome_field or "")]
        self.client.call("PUT", path, content={"ticket": dict(fields)}, record=True, names=names)

    def _status(self, record_id: str) -> str:
        answer = self.client.get(f"/api/v2/tickets/{segment(record_id)}.json", record=True)
        return str(answer.get("ticket", "status"))

    def _state(self, ticket: Mapping[str, Any]) -> RecordState:
        fields = (str(field["value"]) for field in ticket.get("custom_fields") or () if field.get("value"))
        words = (ticket["status"], *(ticket.get("tags") or ()), *fields)
        owner = ticket.get("assignee_id")
        return RecordState(
            str(ticket["id"]),
            ticket["status"] in _CLOSED,
            words,
            owner=self._person(owner) if owner else None,
            stamp=str(ticket.get("updated_at")),
        )

    def _pages(self, path: str, name: str) -> list[dict[str, Any]]:
        """All rows of a list that comes in pages."""
        rows: list[dict[str, Any]] = []
        page = 1
        while True:
            answer = self.client.get(path, params={"per_page": 100, "page": page}, record=True)
            rows += answer.get(name) or []
            if not answer.get("next_page"):
                return rows
            page += 1

    def _load_people(self, ids: Iterable[int]) -> None:
        unknown = sorted({int(key) for key in ids if int(key) > 0} - self._people.keys())
        for part in _parts([str(key) for key in unknown], 100):
            answer = self.client.get("/api/v2/users/show_many.json", params={"ids": ",".join(part)})
            for user in answer.get("users") or ():
                keys = tuple(key for key in (user.get("email"), str(user["id"])) if key)
                self._people[int(user["id"])] = ExternalPerson(user.get("name") or str(user["id"]), keys)

    def _person(self, key: int) -> ExternalPerson:
        return self._people.get(int(key)) or ExternalPerson("Zendesk", (str(key),))

    def _ref(self, ticket: Mapping[str, Any]) -> RecordRef:
        return RecordRef(str(ticket["id"]), f"{self.client.url}/agent/tickets/{ticket['id']}")


def _parts(values: list[str], size: int) -> Iterable[list[str]]:
    return (values[start : start + size] for start in range(0, len(values), size))
