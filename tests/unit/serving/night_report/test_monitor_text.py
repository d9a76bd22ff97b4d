"""Every alarm of the monitor says what is wrong and what to do."""

from typing import get_args

import pytest
from support.monitor_factory import ALARMS, monitor_report, risk_monitor, unmeasured_risk

from serving.night_report import monitor_report as schema
from serving.night_report.monitor_text import (
    ALARM_ACTIONS,
    RETRAINING,
    UNKNOWN_TEXTS,
    alarm_line,
    dispute_lines,
    risk_lines,
)

SENTENCES = {
    "stale_feed": "tickets has no row newer than 12 days; 3 days is the limit.",
    "low_volume": "invoices has 60 rows, usually 105.",
    "labels_stopped": "Churn: no event since 3 Nov 2025, although 9 were to be expected until 28 Jan 2026.",
    "score_drift": "Churn: the scores have moved since 3 Jan 2026 (index 0.31, 0.05 by chance), which an earlier night "
    "confirms.",
    "feature_drift": "Churn: of 96 features, 4 have moved since 3 Jan 2026: logins_28d; tickets_28d; arr_now; and 1 "
    "more.",
    "ranking_fell": "Churn: the AUC of matured nights is 0.58 [0.54, 0.62], and 0.71 was promised.",
    "calibration_off": "Churn: on matured nights, events are 60% [50%, 71%] of those expected.",
}


def test_the_factory_has_every_alarm() -> None:
    union, _ = get_args(schema.MonitorAlarm)
    assert {type(alarm) for alarm in ALARMS} == set(get_args(union))
    assert {alarm.code for alarm in ALARMS} == set(ALARM_ACTIONS) == set(SENTENCES)


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.code)
def test_an_alarm_says_what_is_wrong_and_what_to_do(alarm: schema.MonitorAlarm) -> None:
    assert alarm_line(alarm) == f"{SENTENCES[alarm.code]} {ALARM_ACTIONS[alarm.code]}"


def test_every_code_has_words() -> None:
    assert set(RETRAINING) == set(get_args(schema.RetrainingCode))
    assert set(UNKNOWN_TEXTS) == set(get_args(schema.UnknownCode)) - {"registry_unavailable"}


def test_the_lines_of_a_risk() -> None:
    lines = dict(risk_lines(risk_monitor()))
    assert lines["Performance"] == (
        "AUC 0.78 [0.74, 0.82], 0.80 promised; precision at 20 accounts 41% [33%, 50%] (12 nights from 1 Oct 2025 to "
        "17 Dec 2025, 61 accounts with the event)"
    )
    assert lines["Calibration"] == "104% [90%, 120%] of the expected events; by segment: enterprise 110% [80%, 150%]"
    assert lines["Estimate"].startswith("AUC 0.80 [0.75, 0.85], precision at 20 accounts 45% [25%, 65%], 24 [17, 33]")
    assert lines["Drift"].startswith("since 3 Jan 2026: scores steady (index 0.06, 0.05 by chance); 0 of 96 features")
    assert lines["Retraining"] == (
        "retrain: the champion is old and enough new events have happened (version 3 learned from data until 1 Sep "
        "2025, 55 events with a known label since)"
    )


def test_what_is_not_measurable_says_why_and_when() -> None:
    lines = dict(risk_lines(unmeasured_risk()))
    assert lines["Performance"] == (
        "not measurable yet: the labels of no recorded night have matured; with data up to 9 Jul 2026 at the earliest"
    )
    assert lines["Drift"] == "not measurable yet: there is no champion yet"
    assert lines["Labels"] == "no event is known"


def test_a_report_is_read_as_it_was_written() -> None:
    report = monitor_report()
    assert schema.MonitorReport.from_json(report.to_json()) == report
    assert report.risks_to_train == ("churn",)


def test_reasons_that_are_often_disagreed_with_are_named() -> None:
    rows = [
        schema.DisputedReasonReport(reason="usage", disagreed=3, cases=12, sentence="Usage fell by 40%"),
        schema.DisputedReasonReport(reason="billing", disagreed=1, cases=2, sentence=""),
    ]
    report = monitor_report().model_copy(update={"disputed": tuple(rows)})
    assert list(dispute_lines(report)) == [
        "People disagreed 3 times with a reason of the group usage, which 12 cases showed, at last with “Usage fell by "
        "40%”."
    ]
    assert type(report).from_json(report.to_json()) == report
