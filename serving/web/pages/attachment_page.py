"""Files of a case: adding one, and downloading one; a browser never shows them within a page of Rescue."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import UploadFile

from features.errors import RescueError, UsageError
from serving.cases.case_errors import CaseNotFoundError
from serving.cases.casework.attachment_files import AttachmentNotFoundError, UploadedFile, read_file
from serving.cases.permissions import Act, NotAllowedError
from serving.store.database import StoreError
from serving.web.flash_messages import failure_message
from serving.web.pages.case_page import read_case, render_case
from serving.web.request_context import CommenterContext, ViewerContext, redirect_to
from serving.web.security.download import file_response

attachment_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


async def read_upload(request: Request) -> UploadedFile:
    """The file of a form; empty where none was chosen."""
    async with request.form() as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            return UploadedFile("", b"")
        return UploadedFile(file.filename or "", await file.read())


Upload = Annotated[UploadedFile, Depends(read_upload)]


@attachment_router.post("/case/{case_id}/attach")
def add_attachment(request: Request, case_id: str, file: Upload, context: CommenterContext) -> Response:
    """Add a file to a case."""
    try:
        if not file.name:
            raise UsageError("No file was chosen: choose one, then add it.")
        context.cases.work.attach(case_id, context.actor(Act.COMMENT), file)
    except (CaseNotFoundError, StoreError):
        raise
    except RescueError as error:
        status = 403 if isinstance(error, NotAllowedError) else 422
        return render_case(request, context, case_id, message=failure_message(error), status=status)
    return redirect_to(f"/case/{case_id}", done="attach")


@attachment_router.get("/case/{case_id}/attachment/{attachment_id}")
def download_attachment(case_id: str, attachment_id: str, context: ViewerContext) -> Response:
    """A file of a case that the reader may see, to be saved and not to be shown."""
    read_case(context, case_id)
    with context.store.reading() as session:
        found = read_file(session, case_id, attachment_id)
    if found is None:
        raise AttachmentNotFoundError
    row, content = found
    return file_response(row.name, row.kind, content)
