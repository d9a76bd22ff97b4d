"""The address that Slack sends clicks to; the signature of a request is what permits it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response

from serving.web.answers.slack_interactions import SlackInteractions, run_later
from serving.web.answers.slack_payload import UnreadablePayloadError
from serving.web.answers.slack_signature import SlackSignatureError
from serving.web.security.problem_details import problem_response

slack_router = APIRouter(include_in_schema=False)

NO_SLACK_APP = (
    "This Rescue takes no clicks from Slack: set channel, token and signing_secret of a channel of kind slack_app."
)


async def read_slack_body(request: Request) -> bytes:
    """The bytes of the body, whose signature is checked as it is."""
    return await request.body()


@slack_router.post("/slack/interactions")
def receive_click(request: Request, body: Annotated[bytes, Depends(read_slack_body)]) -> Response:
    """Do what was clicked, and answer Slack within its three seconds."""
    slack: SlackInteractions = request.app.state.slack
    if not slack.apps:
        return problem_response(403, NO_SLACK_APP)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        reply = slack.receive(body, headers)
    except SlackSignatureError as error:
        return problem_response(401, str(error))
    except UnreadablePayloadError as error:
        return problem_response(400, str(error))
    after = BackgroundTask(run_later, reply)
    return (
        Response(status_code=200, background=after)
        if reply.body is None
        else JSONResponse(reply.body, background=after)
    )
