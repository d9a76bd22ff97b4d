"""The sentences of the policy's reasons."""

from datetime import date

import pytest

from serving.policy.state.case_status import Closure, ClosureCode, ClosureOutcome, LiveFigures
from serving.policy.state.queue_state import RaiseCode, RaiseReason, Suppressed, SuppressionCode
from serving.policy.state.reason_texts import closure_text, raise_text, resolved_text, suppression_text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (RaiseCode.SEVERITY, "severity rose from normal to high"),
        (RaiseCode.PROBABILITY, "probability rose from 50% to 72%"),
    ],
)
def test_why_a_case_is_worse(code: RaiseCode, text: str) -> None:
    assert raise_text(RaiseReason(code, "normal", "high", 0.5, 0.72)) == text


def test_new_alarms_are_named() -> None:
    alarms = ("risk:churn", "trigger:pays_late", "cancellation", "partial_loss")
    assert raise_text(RaiseReason(RaiseCode.ALARM, "normal", "high", None, None, alarms)) == (
        "new alarm: churn risk, trigger pays late, the customer has cancelled, a part of the contract ends"
    )


@pytest.mark.parametrize(
    ("closure", "text"),
    [
        (ClosureCode.LEFT, "the contract ended on 1 Apr 2026"),
        (ClosureCode.ENDED_BEFORE, "the contract ended on 1 Apr 2026, before the case was opened"),
        (ClosureCode.PART_ENDED, "the part of the contract ended on 1 Apr 2026"),
        (ClosureCode.CONTINUED, "the contract is continued (since 1 Apr 2026)"),
        (ClosureCode.WITHDRAWN, "the cancellation was withdrawn (since 1 Apr 2026)"),
        (ClosureCode.RENEWED, "the contract was renewed (since 1 Apr 2026)"),
        (ClosureCode.RISK_FALLEN, "the account is no longer at risk (since 1 Apr 2026)"),
        (ClosureCode.ACCOUNT_MISSING, "the source does not have the account any more (since 1 Apr 2026)"),
    ],
)
def test_why_the_night_closes_a_case(closure: ClosureCode, text: str) -> None:
    assert closure_text(Closure("c1", "A", ClosureOutcome.EXPIRED, closure, date(2026, 4, 1))) == text


def test_a_case_without_a_mark_has_no_text() -> None:
    assert resolved_text(LiveFigures("c1", "A")) is None


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
        (
            Suppressed("A", "churn", SuppressionCode.LOST, until=date(2026, 4, 1)),
            "was closed as lost and rests until 1 Apr 2026",
        ),
        (Suppressed("A", "churn", SuppressionCode.LOST), "was closed as lost and rests until its contract ends"),
        (
            Suppressed("A", "churn", SuppressionCode.EXCLUDED, rule="type:trial"),
            "is excluded by the policy: type trial",
        ),
        (
            Suppressed("A", "churn", SuppressionCode.GROUP_CASE, case_id="c1"),
            "is covered by the open case c1 of its group",
        ),
    ],
)
def test_why_a_candidate_gets_no_case(suppressed: Suppressed, text: str) -> None:
    assert suppression_text(suppressed) == text
