"""Traces only where OpenTelemetry's variables ask for them; then a span for each step."""

import json
import os
import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from pipelines.console import Steps
from pipelines.step_runner import plain_runner
run = plain_runner(Steps(quiet=True))
assert run("score", "Scoring accounts", lambda: 7) == 7
print("loaded" if "opentelemetry.sdk" in sys.modules else "absent")
"""


def run(root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")} | variables
    return subprocess.run(
        [sys.executable, "-c", CODE], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def test_nothing_is_loaded_unless_it_is_asked_for(root: Path) -> None:
    assert run(root).stdout == "absent\n"
    assert run(root, OTEL_TRACES_EXPORTER="none").stdout == "absent\n"
    assert run(root, OTEL_TRACES_EXPORTER="console", OTEL_SDK_DISABLED="true").stdout == "absent\n"


def test_each_step_is_a_span(root: Path) -> None:
    done = run(root, OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="rescue-test")
    first, _, rest = done.stdout.partition("\n")
    span = json.loads(rest)
    assert (first, span["name"]) == ("loaded", "score")
    assert span["resource"]["attributes"]["service.name"] == "rescue-test"


def test_an_exporter_that_is_not_installed_is_named(root: Path) -> None:
    done = run(root, OTEL_TRACES_EXPORTER="nowhere")
    assert "install opentelemetry-exporter-nowhere" in done.stderr
