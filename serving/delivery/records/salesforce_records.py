"""Salesforce: a Case or a Task for each case, written by an external id, so that a repetition cannot create another.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_upsert.htm
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import field_validator

from features.errors import UsageError
from serving.delivery.channel import DeliveryError
from serving.delivery.records.record_settings import OAuthSettings
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

_API = "/services/data/v62.0"
_PRIORITIES = {"critical": "High", "high": "High", "medium": "Medium", "low": "Low"}
_PERSON = ("Name", "Email", "Username")
MEASURED = frozenset({"health_score__c", "customer_health_score__c", "gainsight_health_score__c"})
"""The fields of accounts that the mapping of Salesforce reads as measured health."""
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class SalesforceSettings(OAuthSettings):
    """Salesforce; ``url`` is the address of the organisation, such as https://example.my.salesforce.com.

    ``object`` is Case or Task; ``key_field`` is a text field of it that is unique and an external id. A Task belongs to
    the owner of the account until somebody has the case. ``outcome_field`` is a field that gets the outcome.
    """

    kind: Literal["salesforce"]
    object: Literal["Case", "Task"] = "Case"
    key_field: str = "Rescue_Case__c"
    outcome_field: str | None = None
    closed_status: str | None = None
    open_status: str | None = None

    @field_validator("key_field", "outcome_field", "account_key")
    @classmethod
    def _name(cls, name: str | None) -> str | None:
        if name is not None and not _FIELD.fullmatch(name):
            raise UsageError(f"{name!r} is no name of a field.")
        return name

    @field_validator("account_fields")
    @classmethod
    def _not_measured(cls, fields: dict[str, str]) -> dict[str, str]:
        name = fields.get("health", "")
        if name.casefold() in MEASURED:
            raise UsageError(f"account_fields: {name} is read as a measured score; write health into another field.")
        return fields

    def open(self) -> CaseRecords:
        """The channel."""
        sign_in = self.sign_in(f"{self.url.rstrip('/')}/services/oauth2/token")
        return self.keep(SalesforceRecords(self.client("Salesforce", sign_in), self), self.kind)


class SalesforceRecords:
    """The Cases or Tasks of an organisation."""

    title = "Salesforce"
    longest = 31_000
    account_key = "id"

    def __init__(self, client: RestClient, settings: SalesforceSettings) -> None:
        self.client, self.settings = client, settings
        self.object, self.is_task = settings.object, settings.object == "Task"
        self.closed_status = settings.closed_status or ("Completed" if self.is_task else "Closed")
        self.open_status = settings.open_status or ("In Progress" if self.is_task else "Working")

    def begin(self, seconds: float) -> None:
        """All requests from now on have to end within so many seconds."""
        self.client.begin(seconds)

    def ensure(self, draft: RecordDraft) -> RecordRef:
        """Write the record by its external id; one that is there is left as it is."""
        path = f"{_API}/sobjects/{self.object}/{self.settings.key_field}/{segment(draft.key)}"
        there = self.client.get(path, params={"fields": "Id"}, expected=(404,)).get("Id")
        if there is not None:
            return self._ref(str(there))
        fields = {
            "Subject": draft.subject,
            "Description": draft.text,
            "Priority": _PRIORITIES.get(draft.severity.casefold(), "Normal" if self.is_task else "Medium"),
            **self._account_fields(draft.account),
        }
        names = [*fields, self.settings.key_field]
        answer = self.client.call("PATCH", path, content=fields, names=names)
        made = answer.get("id") or self.client.get(path, params={"fields": "Id"}).get("Id")
        return self._ref(str(made))

    def add_note(self, record_id: str, text: str) -> None:
        """Add a comment that customers do not see; a Task has none, and gets a post."""
        if self.is_task:
            content = {"ParentId": record_id, "Body": text[:10_000]}
            self.client.call("POST", f"{_API}/sobjects/FeedItem", content=content, names=("ParentId",))
            return
        comment = {"ParentId": record_id, "CommentBody": _fit(text, 4_000), "IsPublished": False}
        self.client.call("POST", f"{_API}/sobjects/CaseComment", content=comment, names=("ParentId",))

    def assign(self, record_id: str, owner: str | None) -> None:
        """Give the record to the active user with this address; without an owner it stays where it is."""
        if owner is None:
            return
        value = _quoted(owner)
        found = self._query(f"SELECT Id FROM User WHERE IsActive = true AND (Email = {value} OR Username = {value})")
        if not found:
            raise UnknownPersonError(f"Salesforce has no active user {owner}.", permanent=True)
        self._update(record_id, {"OwnerId": found[0]["Id"]})

    def close(self, record_id: str, outcome: str, text: str) -> None:
        """Set the status of closed records, and the field of the outcome."""
        outcome_field = self.settings.outcome_field
        self._update(record_id, {"Status": self.closed_status, **({outcome_field: outcome} if outcome_field else {})})

    def reopen(self, record_id: str) -> None:
        """Set the status of open records."""
        self._update(record_id, {"Status": self.open_status})

    def find_account(self, key: str, account_id: str) -> str | None:
        """The account with this id, or with this value of a field."""
        field = "Id" if key == "id" else key
        query = f"SELECT Id FROM Account WHERE {field} = {_quoted(account_id)} LIMIT 1"
        answer = self.client.get(f"{_API}/query", params={"q": query}, expected=(400,))
        if answer.status == 400 and field != "Id":
            raise DeliveryError(f"Salesforce has no field {field} of accounts: check account_key.", permanent=True)
        rows = answer.get("records") or []
        return str(rows[0]["Id"]) if rows else None

    def write_account(self, account: str, values: Mapping[str, Any]) -> None:
        """Write fields of the account."""
        path = f"{_API}/sobjects/Account/{segment(account)}"
        self.client.call("PATCH", path, content=dict(values), names=list(values))

    def read(self, record_ids: Collection[str]) -> list[RecordState]:
        """The records, and the newest comment of each, with two requests."""
        if not record_ids:
            return []
        outcome_field = self.settings.outcome_field
        columns = ["Id", "Status", "IsClosed", "OwnerId", *(f"Owner.{name}" for name in _PERSON), "LastModifiedDate"]
        ids = ", ".join(_quoted(record_id) for record_id in sorted(record_ids))
        more = [outcome_field] if outcome_field else []
        rows = self._query(f"SELECT {', '.join([*columns, *more])} FROM {self.object} WHERE Id IN ({ids})")
        notes = "FeedItem" if self.is_task else "CaseComment"
        newest = self._query(
            f"SELECT ParentId, MAX(CreatedDate) newest FROM {notes} WHERE ParentId IN ({ids}) GROUP BY ParentId"
        )
        last = {str(row["ParentId"]): str(row.get("newest")) for row in newest}
        return [self._state(row, last.get(str(row["Id"]), "")) for row in rows]

    def changes(self, record_id: str) -> RecordChanges:
        """Who changed status and owner: from the history of a Case, of a Task its last editor."""
        people = ", ".join(f"CreatedBy.{name}" for name in _PERSON)
        editors = ", ".join(f"LastModifiedBy.{name}" for name in _PERSON)
        value = _quoted(record_id)
        rows = self._query(f"SELECT LastModifiedDate, {editors} FROM {self.object} WHERE Id = {value}")
        edited = (
            ExternalChange(_person(rows[0].get("LastModifiedBy")), utc_instant(rows[0].get("LastModifiedDate")))
            if rows
            else ExternalChange()
        )
        closed = owner = edited
        if not self.is_task:
            query = f"SELECT Field, CreatedDate, {people} FROM CaseHistory WHERE CaseId = {value} ORDER BY CreatedDate"
            for row in self._query(query):
                change = ExternalChange(_person(row.get("CreatedBy")), utc_instant(row.get("CreatedDate")))
                closed = change if row.get("Field") == "Status" else closed
                owner = change if row.get("Field") == "Owner" else owner
        return RecordChanges(closed, owner)

    def notes(self, record_id: str) -> list[ExternalNote]:
        """The comments of a Case, or the posts on a Task."""
        table, column = ("FeedItem", "Body") if self.is_task else ("CaseComment", "CommentBody")
        people = ", ".join(f"CreatedBy.{name}" for name in _PERSON)
        where = f"ParentId = {_quoted(record_id)} ORDER BY CreatedDate"
        query = f"SELECT Id, {column}, CreatedDate, {people} FROM {table} WHERE {where}"
        return [
            ExternalNote(str(row["Id"]), str(row.get(column) or ""), person, moment)
            for row in self._query(query)
            if (moment := utc_instant(row.get("CreatedDate"))) is not None
            and (person := _person(row.get("CreatedBy"))) is not None
        ]

    def test(self) -> str:
        """Sign in, and look for the fields that the settings name."""
        fields = self._fields(self.object)
        key = fields.get(self.settings.key_field)
        if key is None or not key.get("externalId") or not key.get("unique"):
            raise DeliveryError(
                f"Salesforce needs the field {self.settings.key_field} on {self.object}: a text that is unique and an "
                "external id.",
                permanent=True,
            )
        missing = [name for name in self.settings.account_fields.values() if name not in self._fields("Account")]
        if missing:
            raise DeliveryError(f"Salesforce has no field {missing[0]} of accounts.", permanent=True)
        return f"object {self.object}, key field {self.settings.key_field}"

    def _fields(self, name: str) -> dict[str, Mapping[str, Any]]:
        answer = self.client.get(f"{_API}/sobjects/{name}/describe")
        return {str(field["name"]): field for field in answer.get("fields") or ()}

    def _account_fields(self, account: str | None) -> dict[str, str]:
        """The account of a new record; a Task goes to its owner, too."""
        if account is None:
            return {}
        if not self.is_task:
            return {"AccountId": account}
        rows = self._query(f"SELECT OwnerId FROM Account WHERE Id = {_quoted(account)}")
        owner = rows[0].get("OwnerId") if rows else None
        return {"WhatId": account, **({"OwnerId": str(owner)} if owner else {})}

    def _query(self, query: str) -> list[dict[str, Any]]:
        answer = self.client.get(f"{_API}/query", params={"q": query})
        rows = list(answer.get("records") or [])
        while not answer.get("done") and answer.get("nextRecordsUrl"):
            answer = self.client.get(str(answer.get("nextRecordsUrl")))
            rows += answer.get("records") or []
        return rows

    def _update(self, record_id: str, fields: Mapping[str, Any]) -> None:
        path = f"{_API}/sobjects/{self.object}/{segment(record_id)}"
        self.client.call("PATCH", path, content=dict(fields), record=True, names=list(fields))

    def _state(self, row: Mapping[str, Any], newest: str) -> RecordState:
        outcome = row.get(self.settings.outcome_field) if self.settings.outcome_field else None
        words = (str(outcome or ""), str(row.get("Status") or ""))
        owner = _person({**(row.get("Owner") or {}), "Id": row.get("OwnerId")})
        return RecordState(
            str(row["Id"]),
            bool(row.get("IsClosed")),
            tuple(word for word in words if word),
            owner=owner,
            stamp=f"{row.get('LastModifiedDate')} {newest}",
        )

    def _ref(self, record_id: str) -> RecordRef:
        return RecordRef(record_id, f"{self.client.url}/lightning/r/{self.object}/{record_id}/view")


def _quoted(text: str) -> str:
    """A text in a query."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _person(user: Any) -> ExternalPerson | None:
    if not isinstance(user, Mapping):
        return None
    keys = tuple(str(user[key]) for key in ("Email", "Username", "Id") if user.get(key))
    return ExternalPerson(str(user.get("Name") or next(iter(keys), "")), keys)


def _fit(text: str, longest: int) -> str:
    """A note cut in the middle, so that its mark stays at the end."""
    if len(text) <= longest:
        return text
    body, _, mark = text.rpartition("\n\n")
    return f"{body[: longest - len(mark) - 3]}…\n\n{mark}"
