"""Signals of monitoring systems: CloudEvents that are signed as Standard Webhooks, and the payloads of vendors.

These routes belong to nobody who is signed in: the signature of a request is what permits it.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from serving.signals.cloud_events import BATCH, JSON_TYPE, SINGLE
from serving.signals.receive_signals import SignalReceiver
from serving.web.api.response_models import ResponseModel

signals_router = APIRouter(tags=["signals"])

_CLOUD_EVENT = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"type": "string"},
        "type": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
    },
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            SINGLE: {"schema": _CLOUD_EVENT},
            BATCH: {"schema": {"type": "array", "items": _CLOUD_EVENT}},
            JSON_TYPE: {"schema": {"type": "object"}},
        },
    }
}
_PAYLOAD: dict[str, Any] = {"requestBody": {"required": True, "content": {JSON_TYPE: {"schema": {"type": "object"}}}}}

AdapterName = Annotated[str, Path(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.-]+$")]


class SignalsResponse(ResponseModel):
    """How many signals of the request are new, and how many were known already, which changes nothing."""

    accepted: int
    repeated: int


async def read_body(request: Request) -> bytes:
    """The bytes of the body, whose signature is checked as it is."""
    return await request.body()


Body = Annotated[bytes, Depends(read_body)]


@signals_router.post("/signals", status_code=202, openapi_extra=_BODY)
def receive_events(request: Request, response: Response, body: Body) -> SignalsResponse:
    """Take one signal or a list of them; 202 where any is new, 200 where all were known already."""
    return _receive(request, response, body, "")


@signals_router.post("/signals/{adapter}", status_code=202, openapi_extra=_PAYLOAD)
def receive_payload(request: Request, response: Response, body: Body, adapter: AdapterName) -> SignalsResponse:
    """Take a payload of Alertmanager, Grafana, Datadog, New Relic, Sentry, PagerDuty, or of an adapter of your own."""
    return _receive(request, response, body, adapter)


def _receive(request: Request, response: Response, body: bytes, adapter: str) -> SignalsResponse:
    receiver: SignalReceiver = request.app.state.receiver
    headers = {name.lower(): value for name, value in request.headers.items()}
    address = request.app.state.identity.address_of(request) or ""
    report = receiver.receive(body, headers, address=address, adapter=adapter)
    response.status_code = 202 if report.accepted or not report.repeated else 200
    return SignalsResponse(accepted=report.accepted, repeated=report.repeated)
