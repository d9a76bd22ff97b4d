"""What a night decided, in sentences of its report: who got a case, who got none and why, and what became of others."""

from collections.abc import Iterator

from serving.night_report import report_schema as schema
from serving.night_report.report_text import plural

SUPPRESSED = {
    "open_case": "have an open case that did not get worse",
    "cooling_down": "had a case that was closed a short time ago",
    "below_minimum": "would cost more to rescue than the rescue can save",
    "too_few_nights": "have not been above the threshold for enough nights",
    "lost": "were closed as lost and rest until the contract ends",
    "excluded": "are excluded by the policy",
    "group_case": "are covered by the open case of the group",
}
_SINGULAR = {"have": "has", "are": "is", "were": "was", "rest": "rests"}
"""The verbs of ``SUPPRESSED`` for one account."""
CLOSURES = {
    "left": "as lost because the contract ended",
    "ended_before": "because the contract had ended before the case was opened",
    "part_ended": "as lost because a part of the contract ended",
    "excluded": "because the policy excludes the account",
    "account_missing": "because the source does not have the account any more",
    "continued": "because the contract is continued",
    "withdrawn": "because the cancellation was withdrawn",
    "renewed": "because the contract was renewed",
    "risk_fallen": "because the account is no longer at risk",
}
"""Why a night closed cases, by the code of the closure."""


def decision_lines(decision: schema.DecisionReport, cases: schema.CaseChanges) -> Iterator[str]:
    """What was decided and what it did to the queue."""
    yield (
        f"Cases: {cases.opened:,} opened, {cases.raised_again:,} raised again, {cases.expired:,} expired. "
        f"Without a place tonight: {decision.waiting:,}. Held out to measure the effect: {decision.held_out:,}."
    )
    yield from _open_case_lines(cases)
    if decision.cancellations or decision.partial_losses:
        yield (
            f"Ending contracts: {plural(decision.cancellations, 'cancellation')}, "
            f"{plural(decision.partial_losses, 'partial loss', 'partial losses')}."
        )
    if decision.excluded:
        rules = ", ".join(f"{name.replace('_', ' ')} ({count:,})" for name, count in decision.excluded.items())
        yield f"Excluded by the policy: {rules}."
    reasons = "; ".join(
        f"{count:,} {_agreeing(count, SUPPRESSED.get(code, code.replace('_', ' ')))}"
        for code, count in decision.suppressed.items()
        if count
    )
    if reasons:
        yield f"At risk or leaving, without a new case: {reasons}."


def _agreeing(count: int, predicate: str) -> str:
    """A predicate such as "were closed and rest" with the verbs of one account where the count is one."""
    if count != 1:
        return predicate
    return " ".join(_SINGULAR.get(word, word) for word in predicate.split(" "))


def _open_case_lines(cases: schema.CaseChanges) -> Iterator[str]:
    """What the night did with cases that were open already."""
    closed = "; ".join(
        f"{count:,} {CLOSURES.get(code, code.replace('_', ' '))}" for code, count in cases.closed.items()
    )
    if closed:
        yield f"Closed by the night: {closed}."
    if cases.resolved:
        yield f"The cause of {plural(cases.resolved, 'case')} is gone: to be closed."
    if cases.settled:
        yield f"Settled: {plural(cases.settled, 'lost case')} whose contract has ended."
