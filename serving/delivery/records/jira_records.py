"""Jira and Jira Service Management: an issue for each case, found again by a label.

Cloud (a user and an API token) and Data Center (a personal access token). Texts are wiki markup in version 2 of the
interface, so they are written as preformatted text, in which nothing is markup.
https://developer.atlassian.com/cloud/jira/platform/rest/v2/
"""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from serving.delivery.channel import DeliveryError
from serving.delivery.records.record_settings import PasswordSettings, token_or_password
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

_LABEL = "rescue"
INTERNAL = [{"key": "sd.public.comment", "value": {"internal": True}}]
"""What makes a comment of Jira Service Management invisible for customers."""
PREFORMATTED = "{noformat}"


class JiraSettings(PasswordSettings):
    """Jira; ``user`` is the mail address whose API token it is, without one it is a personal access token.

    Issues are created in ``project`` as ``issue_type``. A case that is closed takes the transition to the status
    ``closed_status``, by default the first to a status of the category Done; one that is opened again to
    ``open_status``. Account fields are properties of the organisation in Jira Service Management.
    """

    kind: Literal["jira"]
    project: str
    issue_type: str = "Task"
    closed_status: str | None = None
    open_status: str | None = None
    resolution: str | None = None

    def open(self) -> CaseRecords:
        """The channel."""
        client = self.client("Jira", token_or_password(self.user, self.secret()))
        statuses = (self.closed_status, self.open_status)
        system = JiraRecords(client, self.project, self.issue_type, statuses, self.resolution, cloud=bool(self.user))
        return self.keep(system, self.kind)


class JiraRecords:
    """The issues of a project; ``statuses`` are those of a closed and of an open case, None for any that fits."""

    title = "Jira"
    longest = 30_000
    account_key = "id"

    def __init__(
        self,
        client: RestClient,
        project: str,
        issue_type: str = "Task",
        statuses: tuple[str | None, str | None] = (None, None),
        resolution: str | None = None,
        *,
        cloud: bool = False,
    ) -> None:
        self.client = client
        self.project, self.issue_type = project, issue_type
        self.statuses, self.resolution, self.cloud = statuses, resolution, cloud
        self._search = "/rest/api/2/search"

    def begin(self, seconds: float) -> None:
        """All requests from now on have to end within so many seconds."""
        self.client.begin(seconds)

    def ensure(self, draft: RecordDraft) -> RecordRef:
        """The issue with the key as its label, else a new one."""
        found = self._find(draft.key)
        if found is not None:
            return self._ref(found)
        fields = {
            "project": {"key": self.project},
            "issuetype": {"name": self.issue_type},
            "summary": draft.subject,
            "description": preformatted(draft.text),
            "labels": [_LABEL, draft.key],
        }
        names = ("project", "issuetype", "labels", "description")
        answer = self.client.call("POST", "/rest/api/2/issue", content={"fields": fields}, creates=True, names=names)
        return self._ref(str(answer.get("key")))

    def add_note(self, record_id: str, text: str) -> None:
        """Add a comment, internal where the project has internal comments."""
        content = {"body": preformatted(text), "properties": INTERNAL}
        self.client.call("POST", f"{_issue(record_id)}/comment", content=content, record=True)

    def assign(self, record_id: str, owner: str | None) -> None:
        """Give the issue to the person with this address."""
        key = "accountId" if self.cloud else "name"
        value = None if owner is None else self._user(owner)[key]
        self.client.call("PUT", f"{_issue(record_id)}/assignee", content={key: value}, record=True)

    def close(self, record_id: str, outcome: str, text: str) -> None:
        """Take a transition to a status of the category Done."""
        self._move(record_id, done=True, status=self.statuses[0])

    def reopen(self, record_id: str) -> None:
        """Take a transition to a status that is not done."""
        self._move(record_id, done=False, status=self.statuses[1])

    def find_account(self, key: str, account_id: str) -> str | None:
        """The organisation of Jira Service Management with this id."""
        path = f"/rest/servicedeskapi/organization/{segment(account_id)}"
        found = self.client.get(path, expected=(400, 404)).get("id")
        return None if found is None else str(found)

    def write_account(self, account: str, values: Mapping[str, Any]) -> None:
        """Write properties of an organisation."""
        for name, value in values.items():
            path = f"/rest/servicedeskapi/organization/{segment(account)}/property/{segment(name)}"
            self.client.call("PUT", path, content=value if value is not None else {}, names=(name,))

    def read(self, record_ids: Collection[str]) -> list[RecordState]:
        """The issues, one request each: a search fails where one of them was deleted."""
        states = []
        fields = "status,assignee,resolution,updated,labels"
        for record_id in record_ids:
            try:
                issue = self.client.get(_issue(record_id), params={"fields": fields}, record=True)
            except RecordGoneError:
                continue
            states.append(self._state(record_id, issue.get("fields") or {}))
        return states

    def changes(self, record_id: str) -> RecordChanges:
        """Who changed status and assignee, from the history of the issue."""
        answer = self.client.get(_issue(record_id), params={"fields": "status", "expand": "changelog"}, record=True)
        closed, owner = ExternalChange(), ExternalChange()
        histories = answer.get("changelog", "histories") or []
        for history in sorted(histories, key=lambda row: str(row.get("created"))):
            change = ExternalChange(_person(history.get("author")), utc_instant(history.get("created")))
            names = {str(item.get("field")).casefold() for item in history.get("items") or ()}
            closed = change if "status" in names else closed
            owner = change if "assignee" in names else owner
        return RecordChanges(closed, owner)

    def notes(self, record_id: str) -> list[ExternalNote]:
        """All comments."""
        comments: list[dict[str, Any]] = []
        while True:
            params = {"startAt": len(comments), "maxResults": 100, "orderBy": "created"}
            answer = self.client.get(f"{_issue(record_id)}/comment", params=params, record=True)
            page = answer.get("comments") or []
            comments += page
            if not page or len(comments) >= int(answer.get("total") or 0):
                break
        return [
            ExternalNote(str(comment["id"]), without_block(comment.get("body")), person, moment)
            for comment in comments
            if (moment := utc_instant(comment.get("created"))) is not None
            and (person := _person(comment.get("author"))) is not None
        ]

    def test(self) -> str:
        """Sign in, and look at the project."""
        person = _person(self.client.get("/rest/api/2/myself").body)
        if not self.client.get(f"/rest/api/2/project/{segment(self.project)}", expected=(404,)).ok:
            raise DeliveryError(f"Jira has no project {self.project}, or the token cannot see it.", permanent=True)
        return f"as {person.name if person else 'nobody'}, project {self.project}"

    def _find(self, key: str) -> str | None:
        """The issue with a label; the cloud has moved the search to another address."""
        params = {"jql": f'project = "{self.project}" AND labels = "{key}"', "fields": "labels", "maxResults": 10}
        answer = self.client.get(self._search, params=params, expected=(404, 410))
        if not answer.ok:
            self._search = "/rest/api/2/search/jql"
            answer = self.client.get(self._search, params=params)
        keys = [str(issue["key"]) for issue in answer.get("issues") or ()]
        return min(keys, key=lambda name: (len(name), name)) if keys else None

    def _user(self, owner: str) -> Mapping[str, Any]:
        name = "query" if self.cloud else "username"
        found = self.client.get("/rest/api/2/user/search", params={name: owner}).body or []
        wanted = owner.casefold()
        exact = [
            user for user in found if wanted in {str(user.get(key)).casefold() for key in ("emailAddress", "name")}
        ]
        users = exact or (found if self.cloud and len(found) == 1 else [])  # the cloud may hide mail addresses
        if not users:
            raise UnknownPersonError(f"Jira has nobody with the address {owner}.", permanent=True)
        user: Mapping[str, Any] = users[0]
        return user

    def _move(self, record_id: str, *, done: bool, status: str | None) -> None:
        state = next(iter(self.read([record_id])), None)
        if state is None or state.closed == done:
            return
        params = {"expand": "transitions.fields"}
        answer = self.client.get(f"{_issue(record_id)}/transitions", params=params, record=True)
        fitting = [move for move in answer.get("transitions") or () if _fits(move, done, status)]
        if not fitting:
            wanted = f"the status {status}" if status else "a status of the category Done" if done else "an open status"
            raise DeliveryError(f"Jira has no transition to {wanted}: check the workflow.", permanent=True)
        move = fitting[0]
        content: dict[str, Any] = {"transition": {"id": move["id"]}}
        field = (move.get("fields") or {}).get("resolution")
        if done and (self.resolution or (field and field.get("required"))):
            allowed = [value["name"] for value in (field or {}).get("allowedValues") or ()]
            content["fields"] = {"resolution": {"name": self.resolution or next(iter(allowed), "Done")}}
        path = f"{_issue(record_id)}/transitions"
        self.client.call("POST", path, content=content, record=True, names=("resolution",))

    def _state(self, record_id: str, fields: Mapping[str, Any]) -> RecordState:
        status, resolution = fields.get("status") or {}, fields.get("resolution") or {}
        words = (resolution.get("name"), status.get("name"), *(fields.get("labels") or ()))
        return RecordState(
            record_id,
            _is_done(status),
            tuple(str(word) for word in words if word),
            owner=_person(fields.get("assignee")),
            stamp=str(fields.get("updated")),
        )

    def _ref(self, key: str) -> RecordRef:
        return RecordRef(key, f"{self.client.url}/browse/{key}")


def preformatted(text: str) -> str:
    """A text in which Jira sees no markup; it cannot end the block that it is in."""
    safe = text.replace(PREFORMATTED, "{no format}")
    return f"{PREFORMATTED}{safe}{PREFORMATTED}"


def without_block(body: object) -> str:
    """The text of a comment, without the block that :func:`preformatted` puts around it."""
    text = body if isinstance(body, str) else ""
    return text.replace(PREFORMATTED, "")


def _issue(record_id: str) -> str:
    return f"/rest/api/2/issue/{segment(record_id)}"


def _is_done(status: Mapping[str, Any]) -> bool:
    return (status.get("statusCategory") or {}).get("key") == "done"


def _fits(move: Mapping[str, Any], done: bool, status: str | None) -> bool:
    target = move.get("to") or {}
    if status is not None:
        return str(target.get("name")).casefold() == status.casefold()
    return _is_done(target) == done


def _person(user: Any) -> ExternalPerson | None:
    if not isinstance(user, Mapping):
        return None
    keys = tuple(str(user[key]) for key in ("emailAddress", "name", "accountId") if user.get(key))
    return ExternalPerson(str(user.get("displayName") or next(iter(keys), "")), keys)
