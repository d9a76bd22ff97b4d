"""Where logs are JSON, the warnings of a night's report are events, too."""

import logging

import pytest
from support.nights.night_home import NightHome

from pipelines import console
from pipelines.night.operators import log_warnings
from serving.night_report.report_schema import DataEndEarlier


@pytest.mark.parametrize(("log_format", "events"), [("json", 1), ("text", 0)])
def test_warnings_are_events_where_logs_are_json(
    night_home: NightHome,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    log_format: str,
    events: int,
) -> None:
    monkeypatch.setattr(console, "log_format", log_format)
    day = night_home.first.as_of
    report = night_home.first.model_copy(update={"warnings": (DataEndEarlier(newest=day, days=5),), "feeds": ()})
    with caplog.at_level(logging.WARNING, logger="rescue"):
        log_warnings(report)
    assert len(caplog.records) == events
    for record in caplog.records:
        assert record.levelno == logging.WARNING
        assert record.getMessage().startswith("The newest row of all tables is of ")
        assert record.__dict__["fields"] == {"night": day.isoformat()}


def test_the_training_of_a_first_night_is_a_step_of_its_own(night_home: NightHome) -> None:
    assert {"models", "train"} <= night_home.first.seconds.keys()
