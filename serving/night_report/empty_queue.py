"""Why a queue is empty, and what can be done: an empty list alone looks like a fault, or like good news."""

from collections.abc import Iterator

from serving.night_report.report_schema import NightReport, RiskReport
from serving.night_report.report_text import plural

COVERED = ("open_case", "group_case")
"""Codes of :data:`serving.night_report.decision_text.SUPPRESSED` for accounts that have an open case."""


def empty_queue_lines(report: NightReport) -> Iterator[str]:
    """For each risk why it raised no case on a night; and accounts that the policy kept from the queue."""
    for risk in report.risks:
        yield _risk_line(risk, report.decision.enter.get(risk.name))
    kept = {
        "without a place, because their squad is full (`rescue queue list --waiting`)": report.decision.waiting,
        "kept without a case, so that the effect of the team can be measured": report.decision.held_out,
    }
    for why, accounts in kept.items():
        if accounts:
            yield f"{plural(accounts, 'account')} at risk {why}."
    covered = sum(report.decision.suppressed.get(code, 0) for code in COVERED)
    others = sum(report.decision.suppressed.values()) - covered
    if covered:
        yield f"{plural(covered, 'account')} at risk or leaving had an open case already."
    if others:
        yield f"{plural(others, 'account')} at risk or leaving without a case by a rule of the policy."


def _risk_line(risk: RiskReport, enter: float | None) -> str:
    """Why a risk raised no case."""
    if risk.model_version is None:
        return (
            f"{risk.title}: there is no model yet, and no trigger of the policy holds. Add history to the source "
            "(`rescue check` lists what is missing), or a trigger to the policy (docs/policy.md, raises = "
            '"without_model").'
        )
    if not risk.scored:
        return f"{risk.title}: no account was eligible; `rescue check` lists what the source has."
    if enter is None or risk.highest_probability is None:
        return f"{risk.title}: {plural(risk.scored, 'account')} scored, none at risk by the policy."
    above = " or more" if risk.highest_probability < enter else ", and these have a case, or had one recently"
    return (
        f"{risk.title}: the highest of {plural(risk.scored, 'probability', 'probabilities')} is "
        f"{risk.highest_probability:.0%}; the policy raises a case at {enter:.0%}{above}."
    )
