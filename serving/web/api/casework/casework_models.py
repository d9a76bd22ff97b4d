"""Requests and responses about the work on a case; times are in UTC."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from features.errors import UsageError
from serving.cases.casework.contact_entries import ContactDetails
from serving.web.api.response_models import ResponseModel, UtcTime
from serving.web.api.text_fields import OptionalText, RequestModel, RequiredText, ShortText

ContactChannel = Literal["call", "meeting", "mail", "chat", "other"]
ContactDirection = Literal["outbound", "inbound"]
ContactResult = Literal["reached", "message_left", "not_reached"]
TaskVersion = Annotated[int, Field(ge=1, lt=1 << 31, description="The version of the task that you read.")]


class TaskResponse(ResponseModel):
    """A task of a case."""

    id: int
    title: str
    state: str = Field(description="`open`, `done` or `skipped`.")
    due_on: date | None
    owner: str | None = Field(description="A person; null: whoever is responsible for the case.")
    role: str | None = Field(description="Who does it where that is nobody of the team.")
    playbook: str | None = Field(description="The playbook of the policy that it is from; null for one of a person.")
    reason: str | None = Field(description="Why it was skipped.")
    created_by: str
    closed_at: UtcTime | None
    closed_by: str | None
    version: int


class TaskListResponse(ResponseModel):
    """The tasks of a case, in their order."""

    items: list[TaskResponse]


class NewTaskRequest(RequestModel):
    """A task to add."""

    title: Annotated[RequiredText, Field(max_length=300)]
    due_on: date | None = None
    owner: ShortText = Field("", description="A person; by default, whoever is responsible for the case.")


class TaskActionRequest(RequestModel):
    """What to do to a task: `done`, `skip` (with a reason), `reopen`, or `change` its title, owner or due day."""

    action: Literal["done", "skip", "reopen", "change"]
    version: TaskVersion | None = Field(None, description="The action is refused if the task has changed since.")
    reason: OptionalText = Field("", description="Why it is skipped.")
    title: ShortText | None = None
    owner: ShortText | None = Field(None, description="A person; empty: whoever is responsible for the case.")
    due_on: date | None = None


class AccountContactResponse(ResponseModel):
    """A person at the customer, as of the newest night."""

    contact_id: str
    name: str | None
    role: str | None
    mail: str | None
    phone: str | None


class ContactEntryResponse(ResponseModel):
    """One contact, or an attempt."""

    at: UtcTime
    person: str | None
    channel: str
    direction: str
    result: str
    note: str | None
    recorded_by: str


class ContactsResponse(ResponseModel):
    """The people at the account, and the contact log of the case, oldest first."""

    contacts: list[AccountContactResponse]
    log: list[ContactEntryResponse]


class ContactFields(RequestModel):
    """What is recorded of a contact."""

    person: ShortText = Field("", description="Who was contacted: a name, or the id of a contact of the account.")
    channel: ContactChannel = "other"
    direction: ContactDirection = "outbound"
    result: ContactResult = Field("reached", description="Only `reached` stops the response timer.")
    at: AwareDatetime | None = Field(None, description="When it happened, with a time zone; by default now.")

    @property
    def details(self) -> ContactDetails:
        """The same for the use case."""
        at = self.at.astimezone(UTC).replace(tzinfo=None) if self.at else None
        return ContactDetails(self.person, self.channel, self.direction, self.result, at)

    @property
    def logged(self) -> ContactDetails:
        """The details of an entry of the log, which says something."""
        if not self.person.strip() and not {"channel", "result"} & self.model_fields_set:
            raise UsageError("Give the person, the channel or the result of the contact: the entry would say nothing.")
        return self.details


class NewContactRequest(ContactFields):
    """A contact to log."""

    comment: OptionalText | None = Field(None, description="What was said.")


class AttachmentResponse(ResponseModel):
    """A file of a case."""

    id: str
    name: str
    kind: str = Field(description="Its media type, by its content.")
    size: int = Field(description="Bytes.")
    sha256: str
    added_at: UtcTime
    added_by: str


class AttachmentListResponse(ResponseModel):
    """The files of a case, oldest first."""

    items: list[AttachmentResponse]


class MentionResponse(ResponseModel):
    """A comment that names you and that you have not read."""

    case_id: str
    account: str
    text: str
    mentioned_by: str
    at: datetime


class MentionListResponse(ResponseModel):
    """Your unread mentions, newest first."""

    items: list[MentionResponse]
