"""The assembly of the review app: the only module that imports all of its parts."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from serving.cases.cases import Cases
from serving.cases.casework.attachment_files import AttachmentLimits
from serving.cases.health_adjustments import HealthRule
from serving.delivery.chat.slack_settings import SlackApp
from serving.incidents.incident_actions import Incidents
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy_versions.policy_service import PolicyService, StartReplay
from serving.policy_versions.policy_state import PolicySource
from serving.signals.receive_signals import SignalReceiver
from serving.signals.signal_settings import SignalSettings
from serving.store import Store
from serving.store.database import utcnow
from serving.web import access, error_pages
from serving.web.answers.answer_pages import answer_router
from serving.web.answers.slack_interactions import SlackInteractions
from serving.web.answers.slack_routes import slack_router
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
    policy: PolicySource | None = None,
    start_replay: StartReplay | None = None,
    slack: tuple[SlackApp, ...] = (),
) -> FastAPI:
    """The review app on a migrated queue.

    ``health`` is the policy's rule for health adjustments by outcomes; ``clock`` returns the time, naive UTC.
    ``signals`` says who may send signals; without it nobody may. ``rules`` are those of the policy in use, ``channels``
    the names of those on which cases are announced: for messages about incidents. ``policy`` is the policy file; with
    it, rules and health adjustments follow the policy in force. ``start_replay`` computes replays of drafts.
    ``slack`` are the apps whose buttons change cases.
    """
    app = FastAPI(title="Rescue", openapi_url=None)
    limits = AttachmentLimits(settings.attachment_megabytes)
    app.state.cases = Cases(store, health=health, clock=clock, limits=limits)
    app.state.incidents = Incidents(store, clock=clock, rules=rules, channels=channels)
    app.state.choices = {}
    app.state.policies = _policies(app, store, policy, start_replay, clock)
    error_pages.install_error_pages(app)
    identity = access.install_access(app, store, settings)
    install_metrics(app, store, settings)
    app.state.slack = SlackInteractions(app.state.cases, app.state.incidents, settings, slack)
    app.state.answers = settings.answer_links
    app.include_router(slack_router)
    app.include_router(answer_router)
    for router in ROUTERS:
        app.include_router(router)
    receiver = SignalReceiver(store, signals or SignalSettings(), clock)
    api = create_api(app.state.cases, identity, app.state.incidents, receiver, app.state.policies)
    app.mount(PREFIX, api, name="api")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _policies(
    app: FastAPI,
    store: Store,
    source: PolicySource | None,
    start_replay: StartReplay | None,
    clock: Callable[[], datetime],
) -> PolicyService:
    """The saved policies; rules and health adjustments follow them where the policy file is known."""

    def apply(policy: Policy) -> None:
        app.state.cases.health = HealthRule.of(policy.rules.health)
        app.state.incidents.rules = policy.rules

    apply_to = apply if source is not None else None
    return PolicyService(store, source, clock=clock, start_replay=start_replay, apply=apply_to)
