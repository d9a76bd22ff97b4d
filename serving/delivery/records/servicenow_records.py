"""ServiceNow: an incident or a customer-service case for each case, through the Table API, found by ``correlation_id``.

https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

from features.errors import UsageError
from serving.delivery.channel_options import read_secret
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
from serving.delivery.records.rest_client import RestClient, basic_of, segment

IMPACTS = {"critical": "1", "high": "1", "medium": "2", "low": "3"}
_PAGE = 1000


class ServiceNowSettings(OAuthSettings):
    """ServiceNow; signs in as ``user`` with the password in ``token``, or with an OAuth client.

    ``table`` is where records are created, ``account_table`` where the accounts are. ``closed_states`` are the states
    of a closed record, the first of which is written; ``close_code`` is what the table asks for with it.
    """

    kind: Literal["servicenow"]
    user: str | None = None
    table: str = "incident"
    account_table: str = "core_company"
    account_column: str = "company"
    closed_states: tuple[str, ...] = ("6", "7", "8")
    open_state: str = "2"
    close_code: str | None = "Solved (Permanently)"
    assignment_group: str | None = None

    def open(self) -> CaseRecords:
        """The channel."""
        if not self.closed_states:
            raise UsageError("closed_states is empty: name the state of a closed record first.")
        if self.user:
            password = read_secret("token", self.token, self.token_file)
            if not password:
                raise UsageError("token is missing: set the password of the user in the environment.")
            sign_in = basic_of(self.user, password)
        else:
            sign_in = self.sign_in(f"{self.url.rstrip('/')}/oauth_token.do")
        return self.keep(ServiceNowRecords(self.client("ServiceNow", sign_in), self), self.kind)


class ServiceNowRecords:
    """The records of one table."""

    title = "ServiceNow"
    longest = 3_900
    account_key = "id"

    def __init__(self, client: RestClient, settings: ServiceNowSettings) -> None:
        self.client, self.settings = client, settings
        self._people: dict[str, ExternalPerson] = {}

    def begin(self, seconds: float) -> None:
        """All requests from now on have to end within so many seconds."""
        self.client.begin(seconds)

    def ensure(self, draft: RecordDraft) -> RecordRef:
        """The record with this correlation id, else a new one."""
        query = f"correlation_id={draft.key}^ORDERBYsys_created_on"
        found = self._rows(self.settings.table, query, ("sys_id",))
        if found:
            return self._ref(found[0]["sys_id"])
        impact = IMPACTS.get(draft.severity.casefold(), "2")
        fields = {
            "short_description": draft.subject[:160] if len(draft.subject) <= 160 else _cut(draft.subject, 160),
            "description": _plain(draft.text),
            "correlation_id": draft.key,
            "correlation_display": "Rescue",
            "impact": impact,
            "urgency": impact,
            **({self.settings.account_column: draft.account} if draft.account else {}),
            **({"assignment_group": self.settings.assignment_group} if self.settings.assignment_group else {}),
        }
        answer = self.client.call("POST", self._table(), content=fields, creates=True, names=list(fields))
        return self._ref(str(answer.get("result", "sys_id")))

    def add_note(self, record_id: str, text: str) -> None:
        """Add a work note."""
        self._update(record_id, {"work_notes": _plain(text)})

    def assign(self, record_id: str, owner: str | None) -> None:
        """Assign the record to the active user with this address or name."""
        if owner is None:
            self._update(record_id, {"assigned_to": ""})
            return
        value = _value(owner)
        query = f"active=true^email={value}^ORuser_name={value}"
        found = self._rows("sys_user", query, ("sys_id",))
        if not found:
            raise UnknownPersonError(f"ServiceNow has no active user {owner}.", permanent=True)
        self._update(record_id, {"assigned_to": found[0]["sys_id"]})

    def close(self, record_id: str, outcome: str, text: str) -> None:
        """Resolve the record with a close code and notes."""
        code = {"close_code": self.settings.close_code} if self.settings.close_code else {}
        fields = {"state": self.settings.closed_states[0], "close_notes": _plain(text)[: self.longest], **code}
        self._update(record_id, fields)

    def reopen(self, record_id: str) -> None:
        """Set the record to the state of open ones."""
        self._update(record_id, {"state": self.settings.open_state})

    def find_account(self, key: str, account_id: str) -> str | None:
        """The account with this ``sys_id``, or with this value of a column."""
        column = "sys_id" if key == "id" else key
        found = self._rows(self.settings.account_table, f"{column}={_value(account_id)}", ("sys_id",))
        return str(found[0]["sys_id"]) if found else None

    def write_account(self, account: str, values: Mapping[str, Any]) -> None:
        """Write columns of the account."""
        fields = {name: "" if value is None else value for name, value in values.items()}
        path = f"/api/now/table/{self.settings.account_table}/{segment(account)}"
        self.client.call("PATCH", path, content=fields, names=list(fields))

    def read(self, record_ids: Collection[str]) -> list[RecordState]:
        """The records, all with one request."""
        if not record_ids:
            return []
        columns = ("sys_id", "state", "assigned_to", "close_code", "close_notes", "sys_updated_on", "sys_mod_count")
        rows = self._rows(self.settings.table, f"sys_idIN{','.join(sorted(record_ids))}", columns)
        self._load_people({_reference(row.get("assigned_to")) for row in rows}, "sys_id")
        return [self._state(row) for row in rows]

    def changes(self, record_id: str) -> RecordChanges:
        """Who closed the record and who changed it last."""
        columns = ("resolved_by", "resolved_at", "closed_by", "closed_at", "sys_updated_by", "sys_updated_on", "state")
        rows = self._rows(self.settings.table, f"sys_id={_value(record_id)}", columns)
        if not rows:
            return RecordChanges()
        row = rows[0]
        closer = _reference(row.get("resolved_by")) or _reference(row.get("closed_by"))
        editor = str(row.get("sys_updated_by") or "")
        self._load_people({closer}, "sys_id")
        self._load_people({editor}, "user_name")
        newest = ExternalChange(self._people.get(editor) or _login(editor), utc_instant(row.get("sys_updated_on")))
        at = utc_instant(row.get("resolved_at")) or utc_instant(row.get("closed_at"))
        is_closed = str(row.get("state")) in self.settings.closed_states
        closed = ExternalChange(self._people.get(closer), at or newest.at) if is_closed and closer else newest
        return RecordChanges(closed, newest)

    def notes(self, record_id: str) -> list[ExternalNote]:
        """Work notes and comments, from the journal."""
        query = f"element_id={_value(record_id)}^elementINwork_notes,comments^ORDERBYsys_created_on"
        rows = self._rows("sys_journal_field", query, ("sys_id", "value", "sys_created_by", "sys_created_on"))
        self._load_people({str(row.get("sys_created_by") or "") for row in rows}, "user_name")
        return [
            ExternalNote(
                str(row["sys_id"]),
                str(row.get("value") or ""),
                self._people.get(str(row.get("sys_created_by"))) or _login(str(row.get("sys_created_by") or "")),
                moment,
            )
            for row in rows
            if (moment := utc_instant(row.get("sys_created_on"))) is not None
        ]

    def test(self) -> str:
        """Read one record of the table and one of the accounts."""
        tables = [self.settings.table, *([self.settings.account_table] if self.settings.account_fields else [])]
        for table in tables:
            self.client.get(f"/api/now/table/{table}", params={"sysparm_limit": 1}, names=(table,))
        return f"table {' and '.join(tables)}"

    def _rows(self, table: str, query: str, columns: Collection[str]) -> list[dict[str, Any]]:
        params = {
            "sysparm_query": query,
            "sysparm_fields": ",".join(columns),
            "sysparm_limit": _PAGE,
            "sysparm_exclude_reference_link": "true",
            "sysparm_display_value": "false",
        }
        return list(self.client.get(f"/api/now/table/{table}", params=params, names=(table,)).get("result") or [])

    def _update(self, record_id: str, fields: Mapping[str, Any]) -> None:
        path = f"{self._table()}/{segment(record_id)}"
        self.client.call("PATCH", path, content=dict(fields), record=True, names=list(fields))

    def _table(self) -> str:
        return f"/api/now/table/{self.settings.table}"

    def _state(self, row: Mapping[str, Any]) -> RecordState:
        words = (str(row.get("close_code") or ""), str(row.get("state") or ""))
        return RecordState(
            str(row["sys_id"]),
            str(row.get("state")) in self.settings.closed_states,
            tuple(word for word in words if word),
            str(row.get("close_notes") or ""),
            self._people.get(_reference(row.get("assigned_to"))),
            f"{row.get('sys_updated_on')} {row.get('sys_mod_count')}",
        )

    def _load_people(self, keys: Iterable[str], column: str) -> None:
        unknown = sorted({key for key in keys if key} - self._people.keys())
        if not unknown:
            return
        query = f"{column}IN{','.join(_value(key) for key in unknown)}"
        for user in self._rows("sys_user", query, ("sys_id", "user_name", "name", "email")):
            names = tuple(str(user[key]) for key in ("email", "user_name", "sys_id") if user.get(key))
            person = ExternalPerson(str(user.get("name") or user.get("user_name")), names)
            self._people[str(user.get("sys_id"))] = self._people[str(user.get("user_name"))] = person

    def _ref(self, record_id: str) -> RecordRef:
        page = segment(f"{self.settings.table}.do?sys_id={record_id}")
        return RecordRef(record_id, f"{self.client.url}/nav_to.do?uri={page}")


def _value(text: str) -> str:
    """A value in an encoded query, in which ``^`` separates conditions and ``,`` values."""
    return text.replace("^", "").replace(",", "")


def _reference(value: Any) -> str:
    return str(value.get("value") or "") if isinstance(value, Mapping) else str(value or "")


def _login(name: str) -> ExternalPerson:
    return ExternalPerson(name, (name,) if name else ())


def _plain(text: str) -> str:
    """A text whose ``[code]`` blocks stay text: ServiceNow would show their content as HTML."""
    return text.replace("[code]", "[ code]").replace("[/code]", "[ /code]")


def _cut(subject: str, longest: int) -> str:
    """A subject that keeps the mark at its end."""
    text, mark, end = subject.rpartition(" [Rescue ")
    return text[: longest - len(mark + end) - 1] + "…" + mark + end
