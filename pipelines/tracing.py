"""Traces of a run by OpenTelemetry, where its own environment variables ask for them; otherwise nothing is imported.

``OTEL_TRACES_EXPORTER`` (console, otlp, …) or ``OTEL_EXPORTER_OTLP_ENDPOINT`` switch them on; service name, resource
attributes, sampler and endpoint are read from OpenTelemetry's variables by its SDK. The SDK is installed with Rescue;
the exporter for a collector is not: `pip install opentelemetry-exporter-otlp`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from features.errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

EXPORTERS = "opentelemetry_traces_exporter"
"""The group of entry points in which exporters register themselves."""


@contextmanager
def traced(name: str) -> Iterator[None]:
    """A span of this name around the block, if traces are asked for; an error of the block is recorded in it."""
    if not is_tracing():
        yield
        return
    with _tracer().start_as_current_span(name):
        yield


def is_tracing() -> bool:
    """Whether the environment asks for traces."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return _exporter_name() not in {"", "none"}


def _exporter_name() -> str:
    default = "otlp" if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") else ""
    return os.environ.get("OTEL_TRACES_EXPORTER", default).strip().lower()


@cache
def _tracer() -> "Tracer":
    """The tracer with the exporter that the environment names.

    Raises:
        UsageError: no installed package has this exporter.
    """
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = _exporter_name()
    found = next(iter(entry_points(group=EXPORTERS, name=name)), None)
    if found is None:
        raise UsageError(
            f"OTEL_TRACES_EXPORTER asks for {name!r}, which is not installed: install opentelemetry-exporter-{name}."
        )
    service = os.environ.get("OTEL_SERVICE_NAME", "rescue")
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(found.load()()))
    return provider.get_tracer("rescue")
