"""The reasons that are given for an empty queue."""

from datetime import date

import pytest

from serving.night_report.empty_queue import empty_queue_lines
from serving.night_report.report_schema import DecisionReport, NightReport, RiskReport

ENTER = DecisionReport(enter={"churn": 0.15})


def lines(decision: DecisionReport = ENTER, **risk: object) -> list[str]:
    values = {"name": "churn", "title": "Churn", "model_version": "1", "eligible": 9, "scored": 9} | risk
    report = NightReport.model_construct(
        as_of=date(2026, 7, 1), risks=(RiskReport.model_validate(values),), decision=decision
    )
    return list(empty_queue_lines(report))


@pytest.mark.parametrize(
    ("risk", "line"),
    [
        ({"model_version": None, "scored": 0}, "there is no model yet, and no trigger of the policy holds"),
        ({"scored": 0}, "no account was eligible"),
        (
            {"highest_probability": 0.09},
            "the highest of 9 probabilities is 9%; the policy raises a case at 15% or more",
        ),
        (
            {"highest_probability": 0.4},
            "40%; the policy raises a case at 15%, and these have a case, or had one recently",
        ),
    ],
)
def test_each_risk_says_why_it_raised_no_case(risk: dict[str, object], line: str) -> None:
    assert line in lines(**risk)[0]


def test_accounts_that_are_kept_from_the_queue_are_counted() -> None:
    found = lines(
        DecisionReport(waiting=2, held_out=1, suppressed={"open_case": 18, "group_case": 1, "below_minimum": 3})
    )
    assert [line.split(",")[0].split(" by ")[0] for line in found[1:]] == [
        "2 accounts at risk without a place",
        "1 account at risk kept without a case",
        "19 accounts at risk or leaving had an open case already.",
        "3 accounts at risk or leaving without a case",
    ]
