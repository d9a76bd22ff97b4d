"""HubSpot: a ticket for each case, written by a unique property, with notes; properties of its company.

https://developers.hubspot.com/docs/api-reference/crm-tickets-v3/guide
"""

import html
import re
from collections.abc import Collection, Mapping
from datetime import UTC
from typing import Any, Literal

from serving.delivery.channel import DeliveryError
from serving.delivery.records.record_settings import OAuthSettings
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
from serving.delivery.records.rest_client import RestClient, segment
from serving.store.database import utcnow

TICKETS = "/crm/v3/objects/tickets"
NOTE_TO_TICKET = 228
_PRIORITIES = {"critical": "URGENT", "high": "HIGH", "medium": "MEDIUM", "low": "LOW"}


class HubSpotSettings(OAuthSettings):
    """HubSpot; ``token`` is that of a private app, or an OAuth client refreshes one.

    ``key_property`` is a property of tickets whose values are unique. ``portal`` is the number of the account, for
    links. ``outcome_property`` gets the outcome of a case.
    """

    kind: Literal["hubspot"]
    url: str = "https://api.hubapi.com"
    key_property: str = "rescue_case"
    outcome_property: str | None = None
    pipeline: str = "0"
    open_stage: str = "1"
    closed_stage: str = "4"
    portal: str | None = None

    def open(self) -> CaseRecords:
        """The channel."""
        client = self.client("HubSpot", self.sign_in(f"{self.url.rstrip('/')}/oauth/v1/token"))
        return self.keep(HubSpotRecords(client, self), self.kind)


class HubSpotRecords:
    """The tickets of one pipeline."""

    title = "HubSpot"
    longest = 60_000
    account_key = "id"

    def __init__(self, client: RestClient, settings: HubSpotSettings) -> None:
        self.client, self.settings = client, settings
        self._owners: dict[str, ExternalPerson | None] = {}
        self._closed: frozenset[str] | None = None

    def begin(self, seconds: float) -> None:
        """All requests from now on have to end within so many seconds."""
        self.client.begin(seconds)

    def ensure(self, draft: RecordDraft) -> RecordRef:
        """Write the ticket by its unique property; one that is there is left as it is, but for its company."""
        key = self.settings.key_property
        path = f"{TICKETS}/{segment(draft.key)}"
        there = self.client.get(path, params={"idProperty": key}, expected=(404,)).get("id")
        record_id = str(there) if there is not None else self._create(draft, key)
        if draft.account:
            link = f"/crm/v4/objects/tickets/{record_id}/associations/default/companies/{segment(draft.account)}"
            self.client.call("PUT", link)
        return self._ref(record_id)

    def add_note(self, record_id: str, text: str) -> None:
        """Add a note to the ticket; its text is HTML there."""
        body = html.escape(text, quote=False).replace("\n", "<br>")
        now = utcnow().replace(tzinfo=UTC)
        content = {
            "properties": {"hs_timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}", "hs_note_body": body},
            "associations": [
                {
                    "to": {"id": record_id},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": NOTE_TO_TICKET}],
                }
            ],
        }
        self.client.call("POST", "/crm/v3/objects/notes", content=content)

    def assign(self, record_id: str, owner: str | None) -> None:
        """Give the ticket to the owner with this address."""
        if owner is None:
            self._update(record_id, {"hubspot_owner_id": ""})
            return
        found = self.client.get("/crm/v3/owners", params={"email": owner, "limit": 10}).get("results") or []
        if not found:
            raise UnknownPersonError(f"HubSpot has no user {owner}.", permanent=True)
        self._update(record_id, {"hubspot_owner_id": str(found[0]["id"])})

    def close(self, record_id: str, outcome: str, text: str) -> None:
        """Move the ticket to the stage of closed ones."""
        outcome_property = self.settings.outcome_property
        fields = {outcome_property: outcome} if outcome_property else {}
        self._update(record_id, {"hs_pipeline_stage": self.settings.closed_stage, **fields})

    def reopen(self, record_id: str) -> None:
        """Move the ticket to the stage of open ones."""
        self._update(record_id, {"hs_pipeline_stage": self.settings.open_stage})

    def find_account(self, key: str, account_id: str) -> str | None:
        """The company with this id, or with this value of a property."""
        if key == "id":
            path = f"/crm/v3/objects/companies/{segment(account_id)}"
            found = self.client.get(path, expected=(400, 404)).get("id")
            return None if found is None else str(found)
        query = {
            "filterGroups": [{"filters": [{"propertyName": key, "operator": "EQ", "value": account_id}]}],
            "limit": 1,
        }
        answer = self.client.call("POST", "/crm/v3/objects/companies/search", content=query, names=(key,))
        rows = answer.get("results") or []
        return str(rows[0]["id"]) if rows else None

    def write_account(self, account: str, values: Mapping[str, Any]) -> None:
        """Write properties of the company."""
        content = {"properties": {name: "" if value is None else value for name, value in values.items()}}
        path = f"/crm/v3/objects/companies/{segment(account)}"
        self.client.call("PATCH", path, content=content, names=list(values))

    def read(self, record_ids: Collection[str]) -> list[RecordState]:
        """The tickets, a hundred with one request; those that are not there are left out of the answer."""
        properties = ["hs_pipeline_stage", "hubspot_owner_id", "hs_lastmodifieddate", "notes_last_updated", "num_notes"]
        properties += [self.settings.outcome_property] if self.settings.outcome_property else []
        ids = sorted(record_ids)
        rows: list[dict[str, Any]] = []
        for start in range(0, len(ids), 100):
            inputs = [{"id": record_id} for record_id in ids[start : start + 100]]
            content = {"inputs": inputs, "properties": properties}
            rows += self.client.call("POST", f"{TICKETS}/batch/read", content=content).get("results") or []
        return [self._state(row) for row in rows if not row.get("archived")]

    def changes(self, record_id: str) -> RecordChanges:
        """Who moved and assigned the ticket, from the histories of its properties."""
        params = {"propertiesWithHistory": "hs_pipeline_stage,hubspot_owner_id"}
        answer = self.client.get(f"{TICKETS}/{segment(record_id)}", params=params, record=True)
        return RecordChanges(
            *(
                self._newest(answer.get("propertiesWithHistory", name))
                for name in ("hs_pipeline_stage", "hubspot_owner_id")
            )
        )

    def notes(self, record_id: str) -> list[ExternalNote]:
        """The notes of the ticket."""
        links = self.client.get(f"/crm/v4/objects/tickets/{segment(record_id)}/associations/notes", record=True)
        ids = [str(link["toObjectId"]) for link in links.get("results") or ()]
        rows: list[dict[str, Any]] = []
        properties = ["hs_note_body", "hs_timestamp", "hs_createdate", "hubspot_owner_id", "hs_created_by_user_id"]
        for start in range(0, len(ids), 100):
            content = {"inputs": [{"id": note} for note in ids[start : start + 100]], "properties": properties}
            rows += self.client.call("POST", "/crm/v3/objects/notes/batch/read", content=content).get("results") or []
        found = [(row, row.get("properties") or {}) for row in rows]
        notes = [
            ExternalNote(str(row["id"]), note_text(values.get("hs_note_body")), self._author(values), moment)
            for row, values in found
            if (moment := utc_instant(values.get("hs_timestamp") or row.get("createdAt"))) is not None
        ]
        return sorted(notes, key=lambda note: (note.at, note.id))

    def test(self) -> str:
        """Sign in, and look for the properties that the settings name."""
        key = self.settings.key_property
        answer = self.client.get(f"/crm/v3/properties/tickets/{segment(key)}", expected=(404,))
        if not answer.ok or not answer.get("hasUniqueValue"):
            raise DeliveryError(
                f"HubSpot needs the property {key} of tickets: a single-line text with unique values.", permanent=True
            )
        for name in self.settings.account_fields.values():
            if not self.client.get(f"/crm/v3/properties/companies/{segment(name)}", expected=(404,)).ok:
                raise DeliveryError(f"HubSpot has no property {name} of companies.", permanent=True)
        return f"tickets, key property {key}"

    def _create(self, draft: RecordDraft, key: str) -> str:
        properties = {
            "subject": draft.subject,
            "content": draft.text,
            "hs_pipeline": self.settings.pipeline,
            "hs_pipeline_stage": self.settings.open_stage,
            "hs_ticket_priority": _PRIORITIES.get(draft.severity.casefold(), "MEDIUM"),
        }
        content = {"inputs": [{"idProperty": key, "id": draft.key, "properties": {**properties, key: draft.key}}]}
        answer = self.client.call("POST", f"{TICKETS}/batch/upsert", content=content, names=[*properties, key])
        made = answer.get("results", 0, "id")
        if made is None:
            raise DeliveryError("HubSpot did not say which ticket was written; it is tried again.")
        return str(made)

    def _update(self, record_id: str, properties: Mapping[str, Any]) -> None:
        content = {"properties": dict(properties)}
        path = f"{TICKETS}/{segment(record_id)}"
        self.client.call("PATCH", path, content=content, record=True, names=list(properties))

    def _state(self, row: Mapping[str, Any]) -> RecordState:
        values = row.get("properties") or {}
        stage = str(values.get("hs_pipeline_stage") or "")
        outcome = values.get(self.settings.outcome_property or "")
        owner = values.get("hubspot_owner_id")
        stamp = [values.get(name) for name in ("hs_lastmodifieddate", "notes_last_updated", "num_notes")]
        return RecordState(
            str(row["id"]),
            stage in self._closed_stages(),
            tuple(str(word) for word in (outcome, stage) if word),
            owner=self._owner(str(owner), "id") if owner else None,
            stamp=" ".join(str(value) for value in stamp),
        )

    def _closed_stages(self) -> frozenset[str]:
        """The stages of the pipeline that are closed, and the one that is written."""
        if self._closed is None:
            path = f"/crm/v3/pipelines/tickets/{segment(self.settings.pipeline)}/stages"
            stages = self.client.get(path, expected=(403, 404)).get("results") or []
            closed = {str(stage["id"]) for stage in stages if _is_closed(stage.get("metadata") or {})}
            self._closed = frozenset({*closed, self.settings.closed_stage})
        return self._closed

    def _newest(self, history: Any) -> ExternalChange:
        rows = sorted(history or [], key=lambda row: str(row.get("timestamp")))
        if not rows:
            return ExternalChange()
        row = rows[-1]
        user = row.get("updatedByUserId") or str(row.get("sourceId") or "").removeprefix("userId:")
        person = self._owner(str(user), "userId") if str(user).isdigit() else None
        return ExternalChange(person, utc_instant(row.get("timestamp")))

    def _author(self, values: Mapping[str, Any]) -> ExternalPerson:
        owner, user = values.get("hubspot_owner_id"), values.get("hs_created_by_user_id")
        found = self._owner(str(owner), "id") if owner else self._owner(str(user), "userId") if user else None
        return found or ExternalPerson("")

    def _owner(self, key: str, kind: str) -> ExternalPerson | None:
        name = f"{kind}:{key}"
        if name not in self._owners:
            try:
                path = f"/crm/v3/owners/{segment(key)}"
                answer = self.client.get(path, params={"idProperty": kind}, record=True)
                parts = (answer.get("firstName"), answer.get("lastName"))
                keys = tuple(str(value) for value in (answer.get("email"), answer.get("id")) if value)
                shown = " ".join(part for part in parts if part) or next(iter(keys), "")
                self._owners[name] = ExternalPerson(shown, keys)
            except RecordGoneError:
                self._owners[name] = None
        return self._owners[name]

    def _ref(self, record_id: str) -> RecordRef:
        portal = self.settings.portal
        url = f"https://app.hubspot.com/contacts/{segment(portal)}/record/0-5/{record_id}" if portal else None
        return RecordRef(record_id, url)


def note_text(body: Any) -> str:
    r"""The text of a note, which is HTML there.

    >>> note_text("<div>We <b>agree</b>.<br>Bob &amp; Ann</div>")
    'We agree.\nBob & Ann'
    """
    text = re.sub(r"(?i)<br\s*/?>|</p>|</div>|</li>", "\n", body if isinstance(body, str) else "")
    return html.unescape(re.sub(r"<[^>]*>", "", text)).strip()


def _is_closed(metadata: Mapping[str, Any]) -> bool:
    return str(metadata.get("ticketState")).upper() == "CLOSED" or str(metadata.get("isClosed")).lower() == "true"
