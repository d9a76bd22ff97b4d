"""The sections about results: reasons for losses, saved accounts that left, the model, and the effect of rescues."""

from collections.abc import Mapping
from datetime import date
from math import isnan

from serving.night_report.closure_titles import closure_title
from serving.night_report.effect_text import effect_line, effect_outlook
from serving.night_report.monitor_report import FigureReport, RiskMonitor
from serving.night_report.monitor_text import alarm_line
from serving.night_report.report_text import day_text, plural
from serving.path_metrics.path_text import share_text
from serving.store.queries.results.weekly_queries import RETURN_DAYS, LossReason
from serving.weekly.weekly_charts import draw_bars, draw_intervals
from serving.weekly.weekly_figures import SHOWN_WEEKS, WeeklyFigures
from serving.weekly.weekly_sections import WeeklySection, WeeklyTable, amounts_text

WITHOUT_REASON = "No reason given"
LEFT_TITLE = "Saved accounts that left all the same"
MOST_LOSS_REASONS = 8
MOST_NAMED = 10
WRONG_BY = 1.5
"""A model that predicts so many times too few or too many events is of no use for deciding how many people to call."""
NOT_MEASURED = "Not measured yet: whoever runs Rescue starts the command “rescue monitor” after the night."


def losses_section(figures: WeeklyFigures) -> WeeklySection:
    """Why cases were lost: this week, and in the shown weeks."""
    titles, losses = figures.reason_titles, figures.recent_losses
    chart = draw_bars(
        f"Reasons for losses in {SHOWN_WEEKS} weeks",
        "number of lost cases",
        ("lost",),
        [(reason_title(row, titles), (float(row.cases),)) for row in losses[:MOST_LOSS_REASONS]],
        lambda value: f"{value:,.0f}",
    )
    if figures.losses:
        named = "; ".join(_loss_text(row, titles) for row in figures.losses)
        lead = f"{plural(figures.week.lost, 'case was', 'cases were')} lost this week: {named}."
    else:
        lead = "No case was lost this week."
    lines = []
    if losses and not figures.losses:
        lines.append(f"In the last {SHOWN_WEEKS} weeks: {'; '.join(_loss_text(row, titles) for row in losses)}.")
    table = WeeklyTable(
        f"Reasons for losses, the last {SHOWN_WEEKS} weeks",
        ("Reason", "Cases", "Revenue lost"),
        [(reason_title(row, titles), f"{row.cases:,}", amounts_text(row.money)) for row in losses],
        frozenset({1, 2}),
    )
    note = (
        "The reason is chosen when a case is closed as lost; the choices are those of the policy. A loss that a night "
        "found has what the night found as its reason."
    )
    return WeeklySection("losses", "Why customers were lost", lead, lines, chart, table if losses else None, note)


def _loss_text(row: LossReason, titles: Mapping[str, str]) -> str:
    return f"{reason_title(row, titles).lower()} ({plural(row.cases, 'case')}, {amounts_text(row.money)})"


def reason_title(row: LossReason, titles: Mapping[str, str]) -> str:
    """The title of a reason; a code that the policy no longer has is written as words."""
    if row.reason is None:
        return WITHOUT_REASON
    if row.found_by_night:
        return closure_title(row.reason)
    words = row.reason.replace("_", " ")
    return titles.get(row.reason, words[:1].upper() + words[1:])


def left_section(figures: WeeklyFigures) -> WeeklySection:
    """How many saved accounts left within 90 days."""
    recent, week = figures.recent_left, figures.left
    if not recent.saved:
        lead = f"No saved case is {RETURN_DAYS} days old yet, so it is not known which of them last."
        known = _leaving_lines(figures)
        if known:
            late = f"How many left within {RETURN_DAYS} days is not known yet: no saved case is so old."
            lead, *known = *known, late
        return WeeklySection("left", LEFT_TITLE, lead, known, links=_leaving_links(figures))
    lead = (
        f"Of {plural(recent.saved, 'case')} that {'was' if recent.saved == 1 else 'were'} saved {RETURN_DAYS} days "
        f"before, {recent.left:,} left within these days ({share_text(figures.left_share)}, 95% interval in brackets)."
    )
    lines = [f"This week it became known of {plural(week.saved, 'case')}, and {week.left:,} of them had left."]
    lines += _leaving_lines(figures)
    chart = draw_bars(
        f"Saved cases {RETURN_DAYS} days later, {SHOWN_WEEKS} weeks",
        "number of cases",
        ("cases",),
        [("Still customers", (float(recent.saved - recent.left),)), ("Left", (float(recent.left),))],
        lambda value: f"{value:,.0f}",
    )
    table = WeeklyTable(
        "Saved accounts that left",
        ("Account", "Left on"),
        [(name, day_text(day)) for _, name, day in recent.accounts[:MOST_NAMED]],
    )
    note = f"Cases whose {RETURN_DAYS} days after being saved ended in the last {SHOWN_WEEKS} weeks."
    links = _leaving_links(figures)
    return WeeklySection("left", LEFT_TITLE, lead, lines, chart, table if recent.left else None, note, links)


def _leaving_lines(figures: WeeklyFigures) -> list[str]:
    """How many saved in the shown weeks have left, or are leaving; a mail names no account, so the page links them."""
    gone, leaving = ({name for _, name in found} for found in (figures.gone, figures.leaving))
    leaving -= gone
    saved = f"saved in the last {SHOWN_WEEKS} weeks"
    lines = []
    if gone:
        have = "has left or was lost" if len(gone) == 1 else "have left or were lost"
        lines.append(f"{plural(len(gone), 'account')} {saved} {have} since.")
    if leaving:
        lines.append(
            f"{plural(len(leaving), 'account')} {saved} {'is' if len(leaving) == 1 else 'are'} leaving all the same, "
            "by a cancellation that stands."
        )
    return lines


def _leaving_links(figures: WeeklyFigures) -> list[tuple[str, str]]:
    """The newest saved case of each account that has left or is leaving all the same."""
    cases = {name: case for case, name in (*figures.gone, *figures.leaving)}
    return [(name, f"/case/{case}") for name, case in list(cases.items())[:MOST_NAMED]]


def model_section(figures: WeeklyFigures) -> WeeklySection:
    """Whether as many events happened as the model had predicted."""
    title = "Is the model right?"
    measured = [(risk, figure) for risk in figures.risks if (figure := _ratio(risk)) is not None]
    if not figures.risks:
        return WeeklySection(
            "model", title, "Not measured yet: `rescue monitor` measures it, and it runs after the night."
        )
    lines = [_model_line(risk, _ratio(risk)) for risk in figures.risks]
    right = [risk.title for risk, figure in measured if _contains_one(figure)]
    warnings = [*(alarm_line(alarm) for alarm in figures.model_alarms), *figures.model_warnings]
    lines += warnings
    if not measured:
        lead = "Not known yet: no prediction is old enough to know how it turned out."
    elif len(right) == len(measured) and warnings:
        lead = "As many events happened as the model had predicted, as far as can be told, but there is a warning."
    elif len(right) == len(measured) and all(_is_narrow(figure) for _, figure in measured):
        lead = "Yes, as far as can be told: as many events happened as the model had predicted."
    elif len(right) == len(measured):
        lead = "Nothing speaks against it, but there were too few events so far to be sure."
    else:
        wrong = ", ".join(risk.title for risk, figure in measured if not _contains_one(figure))
        lead = f"Not quite: the number of events differs from what the model had predicted ({wrong})."
    chart = draw_intervals(
        "Events that happened, of the expected ones",
        "share of the expected events; 100% is exact",
        [(_short_title(risk), *_values(figure)) for risk, figure in measured],
        lambda value: f"{value:.0%}",
        reference=1.0,
        reference_text="as predicted",
    )
    when = f", measured on {day_text(figures.monitored_on)}" if figures.monitored_on else ""
    note = (
        f"Predictions of nights whose time for the event is over{when}, for all squads; accounts that the team worked "
        "are left out."
    )
    return WeeklySection("model", title, lead, lines, chart, None, note)


def _short_title(risk: RiskMonitor) -> str:
    """The name of a risk, for a label of a chart."""
    name = risk.risk.replace("_", " ")
    return name[:1].upper() + name[1:]


def _ratio(risk: RiskMonitor) -> FigureReport | None:
    figure = risk.performance.figures.get("observed_to_expected") if risk.performance else None
    return figure if figure is not None and figure.value is not None else None


def _values(figure: FigureReport) -> tuple[float, float, float]:
    value, low, high = (float("nan") if it is None else it for it in (figure.value, figure.low, figure.high))
    return value, (float("-inf") if isnan(low) else low), (float("inf") if isnan(high) else high)


def _contains_one(figure: FigureReport) -> bool:
    _, low, high = _values(figure)
    return low <= 1 <= high


def _is_narrow(figure: FigureReport) -> bool:
    """Whether the interval rules out that the model is wrong by half."""
    _, low, high = _values(figure)
    return low >= 1 / WRONG_BY and high <= WRONG_BY


def _model_line(risk: RiskMonitor, ratio: FigureReport | None) -> str:
    found = risk.performance
    if found is None or ratio is None or ratio.value is None:
        unknown = risk.unknown.get("performance")
        when = f"; it can be known from {day_text(unknown.on)} on" if unknown and unknown.on else ""
        return f"{risk.title}: not known yet{when}."
    events = plural(found.accounts_with_event, "account")
    interval = (
        f" (95% interval {ratio.low:.0%} to {ratio.high:.0%})"
        if ratio.low is not None and ratio.high is not None
        else ""
    )
    return (
        f"{risk.title}: {ratio.value:.0%} of the expected events happened{interval}; {events} had the event on "
        f"{plural(found.nights, 'night')}, {day_text(found.first)} to {day_text(found.last)}."
    )


def effect_section(figures: WeeklyFigures, today: date) -> WeeklySection:
    """Whether accounts that got a case had fewer events than those that chance held out."""
    title = "Do rescues help?"
    if not figures.risks:
        return WeeklySection(
            "effect", title, "Not measured yet: `rescue monitor` measures it, and it runs after the night."
        )
    measured = [risk for risk in figures.risks if risk.effect.difference is not None]
    shown = [risk for risk in measured if risk.effect.difference and risk.effect.difference.low > 0]
    if not measured:
        lead = "It cannot be said yet: too few accounts have an outcome."
    elif shown:
        lead = (
            f"Yes: {', '.join(risk.title.lower() for risk in shown)} became rarer among the accounts that got a case."
        )
    else:
        lead = "It is not shown yet: the difference may be chance."
    lines = [
        f"{risk.title}: {line}"
        for risk in figures.risks
        for line in (effect_line(risk.effect), *effect_outlook(risk.effect, today))
    ]
    chart = draw_intervals(
        "By how much rarer the event is among selected accounts",
        "percentage points fewer events than among held-out accounts",
        [
            (_short_title(risk), 100 * it.value, 100 * it.low, 100 * it.high)
            for risk in measured
            if (it := risk.effect.difference) is not None
        ],
        lambda value: f"{value:.0f}",
        reference=0.0,
        reference_text="no effect",
    )
    note = (
        "Chance decided which of the accounts at risk got a case (selected) and which did not (held out). Selected "
        "accounts count whether or not anybody worked on them: an intention-to-treat comparison, for all squads."
    )
    return WeeklySection("effect", title, lead, lines, chart, None, note)
