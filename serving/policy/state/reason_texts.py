"""The sentences of the policy's reasons, without full stops: the one place where their codes become words."""

from serving.contracts import Alarm, AlarmKind
from serving.night_report.report_text import day_text
from serving.policy.state.case_status import Closure, ClosureCode, LiveFigures
from serving.policy.state.queue_state import RaiseCode, RaiseReason, Suppressed, SuppressionCode


def raise_text(reason: RaiseReason) -> str:
    """Why an open case is raised again."""
    match reason.code:
        case RaiseCode.ALARM:
            return "new alarm: " + ", ".join(alarm_text(code) for code in reason.alarms)
        case RaiseCode.SEVERITY:
            return f"severity rose from {reason.severity_before} to {reason.severity}"
        case RaiseCode.PROBABILITY:
            return f"probability rose from {reason.probability_before:.0%} to {reason.probability:.0%}"


def alarm_text(code: str) -> str:
    """An alarm in words."""
    alarm = Alarm.parse(code)
    name = alarm.name.replace("_", " ")
    return {
        AlarmKind.RISK: f"{name} risk",
        AlarmKind.TRIGGER: f"trigger {name}",
        AlarmKind.CANCELLATION: "the customer has cancelled",
        AlarmKind.PARTIAL_LOSS: "a part of the contract ends",
        AlarmKind.PERSON: "opened by a person",
    }[alarm.kind]


def closure_text(closure: Closure) -> str:
    """Why the night closed a case."""
    day = day_text(closure.on)
    if closure.code is ClosureCode.LEFT:
        return f"the contract ended on {day}"
    if closure.code is ClosureCode.ENDED_BEFORE:
        return f"the contract ended on {day}, before the case was opened"
    if closure.code is ClosureCode.PART_ENDED:
        return f"the part of the contract ended on {day}"
    if closure.code is ClosureCode.EXCLUDED:
        return f"the policy excludes the account: {_rule_text(closure.rule)}"
    return f"{RESOLVED_TEXTS[closure.code]} (since {day})"


def resolved_text(figures: LiveFigures) -> str | None:
    """What has resolved an open case, and when the night will close it; None where nothing has."""
    if figures.resolved is None or figures.closes_on is None:
        return None
    return f"{RESOLVED_TEXTS[figures.resolved]}; the case closes on {day_text(figures.closes_on)}"


RESOLVED_TEXTS = {
    ClosureCode.CONTINUED: "the contract is continued",
    ClosureCode.WITHDRAWN: "the cancellation was withdrawn",
    ClosureCode.RENEWED: "the contract was renewed",
    ClosureCode.RISK_FALLEN: "the account is no longer at risk",
    ClosureCode.ACCOUNT_MISSING: "the source does not have the account any more",
}


def _rule_text(rule: str) -> str:
    """The name of an exclusion: ``type:trial`` as ``type trial``."""
    return rule.replace(":", " ").replace("_", " ")


def suppression_text(suppressed: Suppressed) -> str:
    """Why a candidate gets no case."""
    until = day_text(suppressed.until) if suppressed.until else "its contract ends"
    match suppressed.code:
        case SuppressionCode.OPEN_CASE:
            text = f"has the open case {suppressed.case_id}, which is not worse"
        case SuppressionCode.GROUP_CASE:
            text = f"is covered by the open case {suppressed.case_id} of its group"
        case SuppressionCode.COOLING_DOWN:
            text = f"cools down after its last case until {until}"
        case SuppressionCode.LOST:
            text = f"was closed as lost and rests until {until}"
        case SuppressionCode.BELOW_MINIMUM:
            text = f"has a priority of {suppressed.priority:,.0f}, below the minimum of {suppressed.minimum:,.0f}"
        case SuppressionCode.TOO_FEW_NIGHTS:
            text = f"is above the threshold on night {suppressed.nights} of {suppressed.nights_required} required"
        case SuppressionCode.EXCLUDED:
            text = f"is excluded by the policy: {_rule_text(suppressed.rule)}"
    return text
