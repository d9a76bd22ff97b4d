"""The sentences of the policy's reasons, without full stops: the one place where their codes become words."""

from serving.policy.decision.queue_state import RaiseCode, RaiseReason, Suppressed, SuppressionCode


def raise_text(reason: RaiseReason) -> str:
    """Why an open case is raised again."""
    if reason.code is RaiseCode.SEVERITY:
        return f"severity rose from {reason.severity_before} to {reason.severity}"
    return f"probability rose from {reason.probability_before:.0%} to {reason.probability:.0%}"


def suppression_text(suppressed: Suppressed) -> str:
    """Why a candidate gets no case."""
    match suppressed.code:
        case SuppressionCode.OPEN_CASE:
            return f"has the open case {suppressed.case_id}, which is not worse"
        case SuppressionCode.COOLING_DOWN:
            until = suppressed.until
            return f"cools down after its last case until {until and f'{until.day} {until:%b %Y}'}"
        case SuppressionCode.BELOW_MINIMUM:
            return f"has a priority of {suppressed.priority:,.0f}, below the minimum of {suppressed.minimum:,.0f}"
        case SuppressionCode.TOO_FEW_NIGHTS:
            return f"is above the threshold on night {suppressed.nights} of {suppressed.nights_required} required"
