"""Tasks, contacts, attachments and mentions: read them, add one, change one."""

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Depends, File, Path, Response, UploadFile

from serving.cases.case_errors import CaseNotFoundError
from serving.cases.casework.attachment_files import AttachmentNotFoundError, UploadedFile, read_file
from serving.cases.casework.case_work import CaseWork, TaskChange
from serving.cases.permissions import Act
from serving.store.casework import casework_queries
from serving.store.queries.case_queries import CaseFile, case_file
from serving.web.api.casework import casework_models as models
from serving.web.api.dependencies import CaseId, Commenter, UseCases, Viewer, Worker
from serving.web.api.response_models import CaseResponse
from serving.web.identity.person import Person
from serving.web.security.download import file_response

casework_router = APIRouter(tags=["work"])

TaskId = Annotated[int, Path(ge=1, lt=1 << 53)]
AttachmentId = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[\w\-]+$")]


def _visible_case(case_id: CaseId, person: Viewer, cases: UseCases) -> CaseFile:
    with cases.store.reading() as session:
        file = case_file(session, case_id, visible=person.visible_squads, reader=person.name)
    if file is None:
        raise CaseNotFoundError(case_id)
    return file


VisibleCase = Annotated[CaseFile, Depends(_visible_case)]


@casework_router.get("/cases/{case_id}/tasks")
def get_tasks(case_id: CaseId, file: VisibleCase, cases: UseCases) -> models.TaskListResponse:
    """The tasks of a case: those of its playbook, and those that people added."""
    with cases.store.reading() as session:
        rows = casework_queries.tasks_of(session, file.case.id)
    return models.TaskListResponse(items=[models.TaskResponse.model_validate(row) for row in rows])


@casework_router.post("/cases/{case_id}/tasks", status_code=201)
def add_task(case_id: CaseId, request: models.NewTaskRequest, person: Worker, cases: UseCases) -> models.TaskResponse:
    """Add a task to an open case."""
    row = cases.work.add_task(
        case_id, person.actor(Act.WORK), title=request.title, due_on=request.due_on, owner=request.owner
    )
    return models.TaskResponse.model_validate(row)


@casework_router.post("/cases/{case_id}/tasks/{task_id}")
def act_on_task(
    case_id: CaseId, task_id: TaskId, request: models.TaskActionRequest, person: Worker, cases: UseCases
) -> models.TaskResponse:
    """Do something to a task; a task that somebody else has changed since `version` is refused."""
    row = _act(cases.work, case_id, task_id, request, person)
    return models.TaskResponse.model_validate(row)


def _act(work: CaseWork, case_id: str, task: int, request: models.TaskActionRequest, person: Person) -> object:
    actor, version = person.actor(Act.WORK), request.version
    if request.action == "done":
        return work.finish_task(case_id, actor, task, version)
    if request.action == "skip":
        return work.skip_task(case_id, actor, task, version, reason=request.reason)
    if request.action == "reopen":
        return work.reopen_task(case_id, actor, task, version)
    no_day = "due_on" in request.model_fields_set and request.due_on is None
    change = TaskChange(request.title, request.owner, request.due_on, no_due_day=no_day)
    return work.change_task(case_id, actor, task, version, change=change)


@casework_router.get("/cases/{case_id}/contacts")
def get_contacts(case_id: CaseId, file: VisibleCase, cases: UseCases) -> models.ContactsResponse:
    """The people at the account, and the contact log of the case."""
    with cases.store.reading() as session:
        people = casework_queries.contacts_of(session, file.account.account_id)
        log = casework_queries.contact_log(session, file.case.id)
    return models.ContactsResponse(
        contacts=[models.AccountContactResponse.model_validate(row) for row in people],
        log=[models.ContactEntryResponse.model_validate(row) for row in log],
    )


@casework_router.post("/cases/{case_id}/contacts", status_code=201)
def log_contact(case_id: CaseId, request: models.NewContactRequest, person: Worker, cases: UseCases) -> CaseResponse:
    """Add an entry to the contact log; the first that reached the customer stops the response timer."""
    case = cases.log_contact(case_id, person.actor(Act.WORK), details=request.logged, comment=request.comment)
    return CaseResponse.model_validate(case)


@casework_router.get("/cases/{case_id}/attachments")
def get_attachments(case_id: CaseId, file: VisibleCase, cases: UseCases) -> models.AttachmentListResponse:
    """The files of a case."""
    with cases.store.reading() as session:
        rows = casework_queries.attachments_of(session, file.case.id)
    return models.AttachmentListResponse(items=[models.AttachmentResponse.model_validate(row) for row in rows])


@casework_router.post("/cases/{case_id}/attachments", status_code=201)
async def add_attachment_file(
    case_id: CaseId, person: Commenter, cases: UseCases, file: Annotated[UploadFile | None, File()] = None
) -> models.AttachmentResponse:
    """Add a file, as the part `file` of a form (multipart/form-data)."""
    upload = UploadedFile((file.filename or "") if file else "", await file.read() if file else b"")
    return models.AttachmentResponse.model_validate(cases.work.attach(case_id, person.actor(Act.COMMENT), upload))


@casework_router.get("/cases/{case_id}/attachments/{attachment_id}", response_class=Response)
def get_attachment_file(case_id: CaseId, attachment_id: AttachmentId, file: VisibleCase, cases: UseCases) -> Response:
    """The bytes of a file."""
    with cases.store.reading() as session:
        found = read_file(session, file.case.id, attachment_id)
    if found is None:
        raise AttachmentNotFoundError
    row, content = found
    return file_response(row.name, row.kind, content)


@casework_router.delete("/cases/{case_id}/attachments/{attachment_id}", status_code=204)
def remove_attachment(case_id: CaseId, attachment_id: AttachmentId, person: Commenter, cases: UseCases) -> None:
    """Remove a file; whoever added it may, and a lead."""
    cases.work.detach(case_id, person.actor(Act.COMMENT), attachment_id)


@casework_router.get("/mentions")
def get_mentions(person: Viewer, cases: UseCases) -> models.MentionListResponse:
    """What you were mentioned in and have not read."""
    with cases.store.reading() as session:
        found = casework_queries.unread_mentions(session, person.name)
    return models.MentionListResponse(
        items=[
            models.MentionResponse(
                case_id=row.case.id,
                account=row.account,
                text=row.text,
                mentioned_by=row.mention.mentioned_by,
                at=row.mention.at.replace(tzinfo=UTC),
            )
            for row in found
        ]
    )
