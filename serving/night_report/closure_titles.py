"""Why the cause of a case is gone, and why a night closed it, as titles: the same in lists and in reports."""

RESOLVED_TITLES: dict[str, str] = {
    "continued": "Continued",
    "withdrawn": "Cancellation withdrawn",
    "renewed": "Renewed",
    "risk_fallen": "Risk has fallen",
    "account_missing": "Not in the source",
}
"""Why the cause of an open case is gone."""

CLOSURE_TITLES: dict[str, str] = {
    **RESOLVED_TITLES,
    "left": "Contract ended",
    "ended_before": "Contract ended before the case",
    "part_ended": "Part of the contracts ended",
    "excluded": "Excluded by the policy",
}
"""Why a night closed a case, as a title."""


def closure_title(code: str) -> str:
    """Why a night closed a case, as the reason of its outcome in lists and reports."""
    words = code.replace("_", " ")
    return f"{CLOSURE_TITLES.get(code, words[:1].upper() + words[1:])}, found by the night"
