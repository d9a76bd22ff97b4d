"""Incidents: the list, one incident, and what people do to it."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import RescueError
from serving.cases.permissions import Act, NotAllowedError
from serving.incidents.incident_actions import Incidents
from serving.incidents.incident_errors import IncidentNotFoundError, IncidentStateError, StaleIncidentError
from serving.incidents.incident_outlook import incident_outlook
from serving.store.database import StoreError
from serving.store.incident_tables import Incident
from serving.store.queries.incident_queries import incident_file, list_incidents
from serving.web.access import Permission
from serving.web.flash_messages import FlashMessage, failure_message
from serving.web.forms import form_version
from serving.web.pages.queue_page import lanes_beside
from serving.web.rendering import render_page
from serving.web.request_context import (
    CommenterContext,
    FormTexts,
    PageContext,
    ViewerContext,
    WorkerContext,
    redirect_to,
)
from serving.web.views.incident_view import incident_row, incident_view

incident_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

DONE_TEXTS = {
    "acknowledge": "You have acknowledged the incident: its path escalates no further.",
    "resolve": "The incident is resolved.",
    "comment": "Your comment is on the timeline.",
}


@incident_router.get("/incidents")
def show_incidents(request: Request, context: ViewerContext) -> Response:
    """All incidents, open ones first."""
    with context.store.reading() as session:
        rows = [incident_row(incident, context.now) for incident in list_incidents(session)]
        lanes = lanes_beside(session, request, context)
    return render_page(request, "incidents.html.j2", {"rows": rows, "lanes": lanes})


@incident_router.get("/incident/{incident_id}")
def show_incident(request: Request, incident_id: str, context: ViewerContext) -> Response:
    """One incident: what it affects, its timeline, and the actions on it."""
    done = DONE_TEXTS.get(request.query_params.get("done", ""))
    return _render(request, context, incident_id, message=FlashMessage(done) if done else None)


@incident_router.post("/incident/{incident_id}/acknowledge")
def acknowledge_incident(request: Request, incident_id: str, texts: FormTexts, context: WorkerContext) -> Response:
    """Take the incident on."""
    actor, version = context.actor(Act.WORK), form_version(texts.get("version", ""))
    return _act(request, context, incident_id, texts, lambda use: use.acknowledge(incident_id, actor, version))


@incident_router.post("/incident/{incident_id}/resolve")
def resolve_incident(request: Request, incident_id: str, texts: FormTexts, context: WorkerContext) -> Response:
    """End the incident."""
    actor, version, text = context.actor(Act.WORK), form_version(texts.get("version", "")), texts.get("text", "")
    return _act(
        request, context, incident_id, texts, lambda use: use.resolve(incident_id, actor, version, comment=text)
    )


@incident_router.post("/incident/{incident_id}/comment")
def comment_on_incident(request: Request, incident_id: str, texts: FormTexts, context: CommenterContext) -> Response:
    """Add a comment to the timeline."""
    actor, text = context.actor(Act.COMMENT), texts.get("text", "")
    return _act(request, context, incident_id, texts, lambda use: use.comment(incident_id, actor, text=text))


def _act(
    request: Request,
    context: PageContext,
    incident_id: str,
    texts: dict[str, str],
    use_case: Callable[[Incidents], Incident],
) -> Response:
    """Do it and show the incident; a failure is shown on its page, with the text that was typed."""
    incidents: Incidents = request.app.state.incidents
    try:
        use_case(incidents)
    except (IncidentNotFoundError, StoreError):
        raise
    except RescueError as error:
        draft = texts.get("text", "")
        message = failure_message(error, draft)
        return _render(request, context, incident_id, message=message, draft=draft, status=_status(error))
    return redirect_to(f"/incident/{incident_id}", done=request.url.path.rsplit("/", 1)[-1])


def _status(error: RescueError) -> int:
    if isinstance(error, NotAllowedError):
        return 403
    return 409 if isinstance(error, StaleIncidentError | IncidentStateError) else 422


def _render(
    request: Request,
    context: PageContext,
    incident_id: str,
    *,
    message: FlashMessage | None = None,
    draft: str = "",
    status: int = 200,
) -> Response:
    with context.store.reading() as session:
        file = incident_file(session, incident_id, context.squads)
        rules = request.app.state.incidents.rules
        outlook = incident_outlook(session, file.incident, context.now, rules) if file else None
    if file is None or outlook is None:
        raise IncidentNotFoundError(incident_id)
    may_comment = context.person.may(Permission.COMMENT)
    actor, zone = context.actor(Act.WORK), context.reader.zone
    view = incident_view(file, actor, context.now, outlook, may_comment=may_comment, draft=draft, zone=zone)
    return render_page(request, "incident.html.j2", {"view": view, "notice": message}, status=status)
