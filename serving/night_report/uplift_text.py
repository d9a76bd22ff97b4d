"""The sentences about the uplift of one risk: whether the priority uses it, and why."""

from __future__ import annotations

from serving.night_report.report_text import FEATURE_TITLES, day_text
from serving.night_report.uplift_report import UpliftReport

PLAIN_RISK = "so the priority uses plain risk (probability × save rate)"
COLUMNS = 3


def uplift_line(report: UpliftReport) -> str:
    """Whether the priority may use the uplift of a risk, and why, in one sentence."""
    groups = f"{report.worked:,} selected and {report.held_out:,} held-out accounts"
    match report.code:
        case "no_model":
            return f"There is no uplift model yet (`rescue train --uplift`), {PLAIN_RISK}."
        case "unavailable":
            return f"The uplift model cannot be used, {PLAIN_RISK}: {report.text.rstrip('.')}."
        case "too_few_units":
            return (
                f"An uplift model needs {report.needed} settled accounts and {report.needed_events} events in each "
                f"group, and {groups} are settled, {PLAIN_RISK}."
            )
        case "same_for_all":
            return f"{groups} do not show whom a rescue helps more than others, {PLAIN_RISK}."
        case "not_better":
            return f"Ranking by uplift is not shown to be better than by risk: {_lead(report, groups)}, {PLAIN_RISK}."
        case _:
            return f"Ranking by uplift is better than by risk: {_lead(report, groups)}."


def uplift_details(report: UpliftReport) -> str:
    """What the effect depends on, and what so many accounts can show; empty without a model."""
    sentences = []
    if report.columns:
        named = [f"{_titled(name)} ({'+' if change > 0 else '−'})" for name, change in report.columns.items()]
        more = f" and {len(named) - COLUMNS} more" if len(named) > COLUMNS else ""
        sentences.append(f"The effect of a rescue depends on {', '.join(named[:COLUMNS])}{more}.")
    if report.detectable is not None and not report.usable:
        sentences.append(
            f"So many accounts show a lead of {report.detectable:.1f} events or more with a probability of 80%."
        )
        if report.accounts_needed is not None:
            sentences.append(f"The present lead needs {report.accounts_needed:,} settled accounts.")
    if report.usable and report.text:
        sentences.append(report.text)
    return " ".join(sentences)


def _lead(report: UpliftReport, groups: str) -> str:
    lead = report.lead
    if lead is None:
        return groups
    known = f", known before {day_text(report.until)}" if report.until else ""
    more = "more" if lead.value >= 0 else "fewer"
    return (
        f"of 100 accounts, {abs(lead.value):.1f} {more} events are prevented (95% interval {lead.low:+.1f} to "
        f"{lead.high:+.1f}; {groups}{known})"
    )


def _titled(column: str) -> str:
    """A column of a model in words: "account age in days", "segment = small", "seats missing"."""
    name, is_missing, _ = column.partition(" missing")
    name, equals, level = name.partition(" = ")
    title = "published probability" if name == "published_log_odds" else FEATURE_TITLES.get(name, name)
    return f"{title}{equals}{level}{is_missing}"
