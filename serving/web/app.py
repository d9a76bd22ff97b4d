"""The assembly of the review app: the only module that imports all of its parts."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from serving.cases.cases import Cases
from serving.cases.health_adjustments import HealthRule
from serving.incidents.incident_actions import Incidents
from serving.policy.definition.policy_schema import PolicyFile
from serving.signals.receive_signals import SignalReceiver
from serving.signals.signal_settings import SignalSettings
from serving.store import Store
from serving.store.database import utcnow
from serving.web import access, error_pages
from serving.web.api.api_app import PREFIX, create_api
from serving.web.identity.review_settings import ReviewSettings
from serving.web.operation_routes import install_metrics
from serving.web.pages import ROUTERS

STATIC = Path(__file__).with_name("static")


def create_app(
    store: Store,
    settings: ReviewSettings,
    *,
    health: HealthRule | None = None,
    clock: Callable[[], datetime] = utcnow,
    signals: SignalSettings | None = None,
    rules: PolicyFile | None = None,
    channels: tuple[str, ...] = (),
) -> FastAPI:
    """The review app on a migrated queue.

    ``health`` is the policy's rule for health adjustments by outcomes; ``clock`` returns the time, naive UTC.
    ``signals`` says who may send signals; without it nobody may. ``rules`` are those of the policy in use, ``channels``
    the names of those on which cases are announced: for messages about incidents.
    """
    app = FastAPI(title="Rescue", openapi_url=None)
    app.state.cases = Cases(store, health=health, clock=clock)
    app.state.incidents = Incidents(store, clock=clock, rules=rules, channels=channels)
    app.state.choices = {}
    error_pages.install_error_pages(app)
    identity = access.install_access(app, store, settings)
    install_metrics(app, store, settings)
    for router in ROUTERS:
        app.include_router(router)
    receiver = SignalReceiver(store, signals or SignalSettings(), clock)
    app.mount(PREFIX, create_api(app.state.cases, identity, app.state.incidents, receiver), name="api")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
