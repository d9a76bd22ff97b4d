"""The sentences of the policy's reasons."""

from datetime import date

import pytest

from serving.policy.decision.queue_state import RaiseCode, RaiseReason, Suppressed, SuppressionCode
from serving.policy.decision.reason_texts import raise_text, suppression_text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (RaiseCode.SEVERITY, "severity rose from normal to high"),
        (RaiseCode.PROBABILITY, "probability rose from 50% to 72%"),
    ],
)
def test_why_a_case_is_raised_again(code: RaiseCode, text: str) -> None:
    assert raise_text(RaiseReason(code, "normal", "high", 0.5, 0.72)) == text


@pytest.mark.parametrize(
    ("suppressed", "text"),
    [
        (
            Suppressed("A", "churn", SuppressionCode.OPEN_CASE, case_id="c1"),
            "has the open case c1, which is not worse",
        ),
        (
            Suppressed("A", "churn", SuppressionCode.COOLING_DOWN, until=date(2026, 4, 1)),
            "cools down after its last case until 1 Apr 2026",
        ),
        (
            Suppressed("A", "churn", SuppressionCode.BELOW_MINIMUM, priority=2500.0, minimum=3000.0),
            "has a priority of 2,500, below the minimum of 3,000",
        ),
        (
            Suppressed("A", "churn", SuppressionCode.TOO_FEW_NIGHTS, nights=1, nights_required=3),
            "is above the threshold on night 1 of 3 required",
        ),
    ],
)
def test_why_a_candidate_gets_no_case(suppressed: Suppressed, text: str) -> None:
    assert suppression_text(suppressed) == text
