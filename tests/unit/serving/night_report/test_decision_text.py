"""What a night decided has words: every reason for no case, and what happened to open ones."""

from serving.night_report import report_schema as schema
from serving.night_report.decision_text import SUPPRESSED, decision_lines
from serving.policy.state.queue_state import SuppressionCode


def test_every_reason_for_no_case_has_words() -> None:
    assert set(SuppressionCode) == set(SUPPRESSED)


def test_what_a_night_does_with_open_cases_is_said_with_its_reasons() -> None:
    cases = schema.CaseChanges(resolved=1, settled=2, closed={"left": 3, "risk_fallen": 1})
    decision = schema.DecisionReport(
        cancellations=1, partial_losses=2, excluded={"trials": 4}, suppressed={"lost": 1, "open_case": 2}
    )
    assert list(decision_lines(decision, cases))[1:] == [
        "Closed by the night: 3 as lost because the contract ended; 1 because the account is no longer at risk.",
        "The cause of 1 case is gone: to be closed.",
        "Settled: 2 lost cases whose contract has ended.",
        "Ending contracts: 1 cancellation, 2 partial losses.",
        "Excluded by the policy: trials (4).",
        "At risk or leaving, without a new case: 1 was closed as lost and rests until the contract ends; "
        "2 have an open case that did not get worse.",
    ]
