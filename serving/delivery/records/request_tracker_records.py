"""Request Tracker: a ticket for each case through REST 2, found again by the mark in its subject.

https://docs.bestpractical.com/rt/5.0.7/RT/REST2.html
"""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from features.errors import UsageError
from serving.delivery.channel import DeliveryError
from serving.delivery.records.marks import RECORD_KEY_PREFIX
from serving.delivery.records.record_settings import RecordSettings
from serving.delivery.records.record_system import (
    ExternalChange,
    ExternalNote,
    ExternalPerson,
    RecordChanges,
    RecordDraft,
    RecordGoneError,
    RecordRef,
    RecordState,
    UnknownPersonError,
    utc_instant,
)
from serving.delivery.records.record_writer import CaseRecords
from serving.delivery.records.rest_client import RestClient, fixed, segment

_API = "/REST/2.0"
INACTIVE = ("resolved", "rejected", "deleted")
_NOBODY = "Nobody"
_PAGE = 100
PAGES = 50


class RequestTrackerSettings(RecordSettings):
    """Request Tracker 5; ``token`` is an authentication token of a user who may create and change tickets.

    ``outcome_field`` is a custom field of tickets that gets the outcome of the case.
    """

    kind: Literal["rt"]
    queue: str = "General"
    closed_status: str = "resolved"
    open_status: str = "open"
    outcome_field: str | None = None

    def open(self) -> CaseRecords:
        """The channel."""
        if self.account_fields:
            raise UsageError("account_fields: Request Tracker has no accounts; leave it out.")
        client = self.client("Request Tracker", fixed(f"token {self.secret()}"))
        statuses = (self.closed_status, self.open_status)
        return self.keep(RequestTrackerRecords(client, self.queue, statuses, self.outcome_field), self.kind)


class RequestTrackerRecords:
    """The tickets of a queue; ``statuses`` are those of a closed and of an open case."""

    title = "Request Tracker"
    longest = 200_000
    account_key = "id"

    def __init__(
        self,
        client: RestClient,
        queue: str = "General",
        statuses: tuple[str, str] = ("resolved", "open"),
        outcome_field: str | None = None,
    ) -> None:
        self.client, self.queue, self.statuses, self.outcome_field = client, queue, statuses, outcome_field
        self._people: dict[str, ExternalPerson] = {}

    def begin(self, seconds: float) -> None:
        """All requests from now on have to end within so many seconds."""
        self.client.begin(seconds)

    def ensure(self, draft: RecordDraft) -> RecordRef:
        """The ticket whose subject ends with the mark of the case, else a new one."""
        mark = f"[Rescue {draft.key.removeprefix(RECORD_KEY_PREFIX)}]"
        query = f"Queue = '{_quoted(self.queue)}' AND Subject LIKE '{mark}'"
        found = self.client.get(f"{_API}/tickets", params={"query": query, "fields": "Subject", "per_page": 20})
        ours = [int(row["id"]) for row in found.get("items") or () if str(row.get("Subject", mark)).endswith(mark)]
        if ours:
            return self._ref(str(min(ours)))
        content = {"Queue": self.queue, "Subject": draft.subject, "Content": draft.text, "ContentType": "text/plain"}
        answer = self.client.call("POST", f"{_API}/ticket", content=content, creates=True, names=("Queue",))
        return self._ref(str(answer.get("id")))

    def add_note(self, record_id: str, text: str) -> None:
        """Add a comment, which requestors do not get."""
        content = {"Content": text, "ContentType": "text/plain"}
        self.client.call("POST", f"{_API}/ticket/{segment(record_id)}/comment", content=content, record=True)

    def assign(self, record_id: str, owner: str | None) -> None:
        """Give the ticket to the user with this name or address."""
        name = _NOBODY if owner is None else self._user_name(owner)
        self._update(record_id, {"Owner": name})
        state = next(iter(self.read([record_id])), None)
        if owner is not None and state is not None and (state.owner is None or name not in state.owner.keys):
            raise UnknownPersonError(f"Request Tracker does not let {owner} own the ticket.", permanent=True)

    def close(self, record_id: str, outcome: str, text: str) -> None:
        """Resolve the ticket, with the outcome in its custom field."""
        fields = {"CustomFields": {self.outcome_field: outcome}} if self.outcome_field else {}
        self._update(record_id, {"Status": self.statuses[0], **fields})
        self._require_status(record_id, closed=True)

    def reopen(self, record_id: str) -> None:
        """Open the ticket again."""
        self._update(record_id, {"Status": self.statuses[1]})
        self._require_status(record_id, closed=False)

    def find_account(self, key: str, account_id: str) -> str | None:
        """None: there are no accounts."""
        return None

    def write_account(self, account: str, values: Mapping[str, Any]) -> None:
        """Nothing: there are no accounts."""

    def read(self, record_ids: Collection[str]) -> list[RecordState]:
        """The tickets; those that were deleted are not found any more."""
        states = []
        for part in _parts(sorted(record_ids), 20):
            query = " OR ".join(f"id = {int(record_id)}" for record_id in part)
            fields = "Status,Owner,LastUpdated,CustomFields"
            params = {"query": query, "fields": fields, "per_page": _PAGE}
            rows = self.client.get(f"{_API}/tickets", params=params).get("items") or []
            states += [self._state(row) for row in rows if row.get("Status") != "deleted"]
        return states

    def changes(self, record_id: str) -> RecordChanges:
        """Who changed status and owner, from the transactions of the ticket."""
        closed, owner = ExternalChange(), ExternalChange()
        for row in self._history(record_id):
            change = ExternalChange(self._person(_name(row.get("Creator"))), utc_instant(row.get("Created")))
            closed = change if row.get("Type") == "Status" else closed
            is_owner = row.get("Field") == "Owner" or row.get("Type") in ("Take", "Give", "Steal", "Untake", "Force")
            owner = change if is_owner else owner
        return RecordChanges(closed, owner)

    def notes(self, record_id: str) -> list[ExternalNote]:
        """Comments and correspondence; their texts are attachments, one request each."""
        rows = [row for row in self._history(record_id) if row.get("Type") in ("Comment", "Correspond")]
        return [
            ExternalNote(str(row["id"]), self._text(str(row["id"])), person, moment)
            for row in rows
            if (moment := utc_instant(row.get("Created"))) is not None
            and (person := self._person(_name(row.get("Creator")))) is not None
        ]

    def test(self) -> str:
        """Sign in, and look at the queue."""
        version = self.client.get(f"{_API}/rt").get("Version")
        self.client.get(f"{_API}/queue/{segment(self.queue)}", names=(self.queue,))
        return f"version {version}, queue {self.queue}"

    def _update(self, record_id: str, fields: Mapping[str, Any]) -> None:
        path = f"{_API}/ticket/{segment(record_id)}"
        self.client.call("PUT", path, content=dict(fields), record=True, names=list(fields))

    def _require_status(self, record_id: str, *, closed: bool) -> None:
        """A change that is not permitted is answered like one that is done, so the ticket is read again."""
        state = next(iter(self.read([record_id])), None)
        if state is not None and state.closed != closed:
            raise DeliveryError("Request Tracker did not change the status: the user needs the right ModifyTicket.")

    def _history(self, record_id: str) -> list[dict[str, Any]]:
        """The transactions of a ticket, oldest first."""
        rows: list[dict[str, Any]] = []
        path = f"{_API}/ticket/{segment(record_id)}/history"
        for page in range(1, PAGES + 1):
            params = {"fields": "Type,Field,OldValue,NewValue,Creator,Created", "per_page": _PAGE, "page": page}
            answer = self.client.get(path, params=params, record=True)
            items = answer.get("items") or []
            rows += items
            if not items or len(rows) >= int(answer.get("total") or 0):
                break
        return sorted(rows, key=lambda row: int(row["id"]))

    def _text(self, transaction: str) -> str:
        """The text of a transaction; within a list, REST 2 does not encode it."""
        path = f"{_API}/transaction/{segment(transaction)}/attachments"
        items = self.client.get(path, params={"fields": "ContentType,Content"}).get("items") or []
        texts = [row for row in items if str(row.get("ContentType", "text/plain")).startswith("text/plain")]
        return str(texts[0].get("Content") or "") if texts else ""

    def _user_name(self, owner: str) -> str:
        field = "EmailAddress" if "@" in owner else "Name"
        query = [{"field": field, "operator": "=", "value": owner}]
        found = self.client.call("POST", f"{_API}/users", content=query).get("items") or []
        if not found:
            raise UnknownPersonError(f"Request Tracker has no user {owner}.", permanent=True)
        return str(found[0]["id"])

    def _person(self, name: str | None) -> ExternalPerson | None:
        if name is None or name == _NOBODY:
            return None
        if name not in self._people:
            try:
                user = self.client.get(f"{_API}/user/{segment(name)}", expected=(403,), record=True)
            except RecordGoneError:
                user = None
            mail = user.get("EmailAddress") if user is not None else None
            real = user.get("RealName") if user is not None else None
            self._people[name] = ExternalPerson(str(real or name), tuple(key for key in (mail, name) if key))
        return self._people[name]

    def _state(self, row: Mapping[str, Any]) -> RecordState:
        custom = row.get("CustomFields") or []
        values = [str(value) for field in custom for value in field.get("values") or ()]
        status = str(row.get("Status"))
        return RecordState(
            str(row["id"]),
            status in INACTIVE or status == self.statuses[0],
            (*values, status),
            owner=self._person(_name(row.get("Owner"))),
            stamp=str(row.get("LastUpdated")),
        )

    def _ref(self, record_id: str) -> RecordRef:
        return RecordRef(record_id, f"{self.client.url}/Ticket/Display.html?id={record_id}")


def _name(reference: Any) -> str | None:
    """The id of a user, whom REST 2 gives as a reference."""
    if isinstance(reference, Mapping):
        return str(reference["id"]) if reference.get("id") else None
    return str(reference) if reference else None


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _parts(values: list[str], size: int) -> list[list[str]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
