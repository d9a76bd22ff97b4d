"""What machines ask of the app: is it alive, is it ready, and figures for Prometheus.

``/healthz`` and ``/readyz`` are public and say nothing but that. ``/metrics`` holds no name and no text of a customer;
still, numbers of cases are nobody's business outside, so it answers only to the networks of the settings. Its figures
are read at each request, from the same state as `rescue status`.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.operations.operation_state import OperationState, outcome_of, read_state
from serving.store import Store
from serving.store.database import StoreError, utcnow
from serving.store.migrations import HEAD, current_revision
from serving.store.operations_tables import ATTEMPT_OUTCOMES
from serving.web.identity.client_address import client_address, is_within
from serving.web.identity.review_settings import ReviewSettings

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

operation_router = APIRouter(include_in_schema=False)


def install_metrics(app: FastAPI, store: Store, settings: ReviewSettings) -> None:
    """Measure every request of the app, and add the three addresses."""
    registry = CollectorRegistry()
    requests = Histogram(
        "rescue_request_seconds",
        "Time until the answer of a request began, by route and status.",
        ("method", "route", "status"),
        buckets=SECONDS,
        registry=registry,
    )
    registry.register(StateCollector(store))
    app.state.metrics, app.state.review_settings, app.state.store = registry, settings, store
    app.add_middleware(RequestTimer, seconds=requests)
    app.include_router(operation_router)


class RequestTimer:
    """ASGI middleware: how long each request took until its answer began."""

    def __init__(self, app: ASGIApp, seconds: Histogram) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = getattr(scope.get("route"), "path", "") or "other"
                labels = (scope["method"] if scope["method"] in METHODS else "other", path, str(message["status"]))
                self.seconds.labels(*labels).observe(time.perf_counter() - started)
            await send(message)

        await self.app(scope, receive, timed)


@operation_router.get("/healthz")
def health() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@operation_router.get("/readyz")
def readiness(request: Request) -> PlainTextResponse:
    """The database answers, and has the schema of this version."""
    store: Store = request.app.state.store
    try:
        with store.reading() as session:
            revision = current_revision(session.connection())
    except StoreError:
        return PlainTextResponse("the database does not answer\n", 503)
    if revision != HEAD:
        return PlainTextResponse("the database has another schema\n", 503)
    return PlainTextResponse("ok\n")


def _require_network(request: Request) -> bool:
    """Whether the client is in a network of the settings.

    A proxy on this machine makes every request come from this machine: what it passes on counts as from its client, and
    as from nowhere where the settings do not name the proxy.
    """
    settings: ReviewSettings = request.app.state.review_settings
    address = client_address(request, settings.trusted_proxies)
    passed_on = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "x-real-ip"))
    if passed_on and not is_within(request.client.host if request.client else None, settings.trusted_proxies):
        return False
    return is_within(address, settings.metrics_networks)


@operation_router.get("/metrics")
def metrics(request: Request, allowed: Annotated[bool, Depends(_require_network)]) -> Response:
    """Figures in Prometheus' text format, for the networks of the settings."""
    if not allowed:
        return PlainTextResponse("not found\n", 404)
    try:
        return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)
    except StoreError:
        return PlainTextResponse("the database does not answer\n", 503)


class StateCollector(Collector):
    """The state of operation as gauges, read when Prometheus asks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> Iterable[Metric]:
        """Nothing: the names are known only with the state, and the database need not answer at start."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Every gauge."""
        with self._store.reading() as session:
            state = read_state(session, utcnow())
        yield from _night_metrics(state)
        yield from _queue_metrics(state)


def _night_metrics(state: OperationState) -> Iterable[Metric]:
    attempt = GaugeMetricFamily("rescue_last_attempt", "1 for the outcome of the last attempt.", labels=("outcome",))
    for outcome in ATTEMPT_OUTCOMES:
        attempt.add_metric([outcome], float(state.attempt is not None and outcome_of(state.attempt) == outcome))
    yield attempt
    if state.attempt is not None:
        yield _gauge("rescue_last_attempt_timestamp_seconds", "When it began.", _seconds(state.attempt.started_at))
    night = state.night
    if night is None:
        return
    midnight = datetime(night.as_of.year, night.as_of.month, night.as_of.day)  # noqa: DTZ001 - naive UTC, as stored
    yield _gauge("rescue_night_timestamp_seconds", "The newest recorded night, at midnight UTC.", _seconds(midnight))
    if night.recorded_at is not None:
        yield _gauge("rescue_night_recorded_timestamp_seconds", "When it was recorded.", _seconds(night.recorded_at))
    yield _gauge("rescue_night_duration_seconds", "How long its steps took.", night.seconds)
    yield _gauge("rescue_night_flagged_accounts", "Accounts that got a new case.", float(night.flagged))
    yield _labelled("rescue_night_accepted_rows", "Rows that were accepted.", "table", night.accepted_rows)
    yield _labelled("rescue_night_quarantined_rows", "Rows in quarantine.", "table", night.quarantined_rows)
    yield _labelled("rescue_night_scored_accounts", "Accounts that were scored.", "risk", night.scored)
    ages = {table: age for table, age in night.feeds.items() if age is not None}
    yield _labelled("rescue_feed_age_days", "Days since the newest row, as of the night.", "table", ages)
    late = {table: int(table in night.late_feeds) for table in night.feeds}
    yield _labelled("rescue_feed_late", "1 for a feed that is late by its own rhythm.", "table", late)


def _queue_metrics(state: OperationState) -> Iterable[Metric]:
    yield _labelled("rescue_cases", "Cases by state.", "state", state.cases)
    yield _labelled("rescue_sla_breached_cases", "Open cases whose time is over.", "deadline", state.breaches)
    outbox = {"pending": state.outbox.pending, "dead": state.outbox.dead, "sent": state.outbox.sent}
    yield _labelled("rescue_outbox_messages", "Messages by status.", "status", outbox)
    oldest = state.outbox.oldest
    age = (state.at - oldest).total_seconds() if oldest else 0.0
    yield _gauge("rescue_outbox_oldest_pending_seconds", "Age of the oldest message that waits.", max(0.0, age))
    yield _gauge(
        "rescue_schema_current", "1 if the database has this version's schema.", float(state.schema_is_current)
    )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _labelled(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for key, value in sorted(values.items()):
        family.add_metric([key], float(value))
    return family


def _seconds(at: datetime) -> float:
    return at.replace(tzinfo=UTC).timestamp()
