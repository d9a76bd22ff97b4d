"""The report shows bad values without what people wrote, and is plain JSON."""

import json
from datetime import date

import pytest

from features.history.timestamp_outliers import TimestampOutliers
from features.validation.rules import Rule
from features.validation.validation_report import QuarantinedRow, TableReport, ValidationReport


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("score", "180.0", "'180.0'"),
        ("account_id", "a\u200b", r"'a\u200b'"),
        ("subject", "call me", "a text of 7 characters"),
        (None, "a;b;c", "a text of 5 characters"),
        ("score", None, "nothing"),
    ],
)
def test_a_value_is_shown_unless_people_wrote_it(column: str | None, value: str | None, shown: str) -> None:
    assert QuarantinedRow("a.csv", 3, column, Rule.RANGE, value).shown == shown


def test_the_report_is_plain_json() -> None:
    bad = QuarantinedRow("scores.parquet", 2, "score", Rule.RANGE, "180.0")
    table = TableReport("health_scores", "scores.parquet", 3, 1, 1, {Rule.RANGE: 1}, (bad,), date(2026, 3, 1))
    outliers = TimestampOutliers("health_scores", 1, date(2027, 1, 1), date(2027, 1, 1))
    report = ValidationReport({"health_scores": table}, ("tickets",), timestamp_outliers=(outliers,))
    values = json.loads(json.dumps(report.as_json()))
    assert values["tables"]["health_scores"]["quarantined"] == {"out_of_range": 1}
    assert values["tables"]["health_scores"]["duplicates"] == 1
    assert values["tables"]["health_scores"]["first"] == "2026-03-01"
    assert values["timestamp_outliers"] == [outliers.as_json()]
