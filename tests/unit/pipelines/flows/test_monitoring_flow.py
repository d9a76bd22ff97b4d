"""The monitoring flow trains the risks that should be trained, and only where a setting says so."""

import logging
from pathlib import Path
from typing import Any

import pytest
from support.monitor_factory import monitor_report

from pipelines.flows import monitoring_flow as flows


@pytest.mark.parametrize(("retrain", "trained"), [("when_needed", ["churn"]), ("never", [])])
def test_it_trains_by_the_setting(
    retrain: str, trained: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[str] = []

    def train(*, risk: str, **_given: Any) -> None:
        runs.append(risk)

    monkeypatch.setenv("RESCUE_MONITORING__RETRAIN", retrain)
    monkeypatch.setattr("pipelines.monitoring.monitor.monitor", lambda *_given: monitor_report())
    monkeypatch.setattr(flows, "training_flow", train)
    monkeypatch.setattr(flows, "get_run_logger", logging.getLogger)
    with caplog.at_level(logging.WARNING):
        written = flows.monitoring_flow.fn(data="source", home=str(tmp_path))
    assert written == monitor_report().to_json()
    assert runs == trained
    assert "tickets has no row newer than 12 days" in caplog.text
