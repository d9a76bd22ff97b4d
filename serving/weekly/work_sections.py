"""The sections about the team's work: revenue at stake, saved and lost; the flow of cases; the time to a contact."""

from collections.abc import Iterator
from math import isfinite

from serving.night_report.report_text import day_text, plural
from serving.path_metrics.path_report import MIN_CASES
from serving.path_metrics.path_text import hours_text, time_text
from serving.store.queries.results.period_queries import PeriodFlow
from serving.store.queries.results.weekly_queries import WeekFlow
from serving.weekly.weekly_charts import draw_bars, draw_intervals
from serving.weekly.weekly_figures import PERIOD_WEEKS, ContactPeriod, WeeklyFigures
from serving.weekly.weekly_sections import (
    AMOUNT_DEFINITION,
    WeeklySection,
    WeeklyTable,
    amounts_text,
    first_upper,
    gone_text,
    open_cases_text,
    open_revenue_text,
    outcome_text,
)


def _main_currency(figures: WeeklyFigures) -> str:
    """The currency of the chart: the one with the most money over the shown weeks."""
    totals: dict[str, float] = {}
    for week in figures.flow:
        for money in (week.money_saved, week.money_lost):
            for code, amount in money.items():
                totals[code] = totals.get(code, 0.0) + amount
    return max(sorted(totals), key=lambda code: totals[code], default="")


def money_section(figures: WeeklyFigures) -> WeeklySection:
    """Revenue at stake at the end of the week, and what was saved and lost in it."""
    code = _main_currency(figures)
    unit = f"recurring revenue a year{f', in {code}' if code else ''}"
    others = sorted(
        {name for it in figures.flow for money in (it.money_saved, it.money_lost) for name in money} - {code}
    )
    chart = draw_bars(
        "Revenue saved and lost by week",
        unit,
        ("saved", "lost"),
        [(_week_label(it), (it.money_saved.get(code, 0.0), it.money_lost.get(code, 0.0))) for it in figures.shown_flow],
        lambda value: f"{value:,.0f}",
    )
    lines = list(_moves(figures, code))
    if figures.at_end.without_revenue:
        lines.append(
            f"The revenue of {plural(figures.at_end.without_revenue, 'open case')} is unknown and not in the sum."
        )
    if others:
        lines.append(f"The chart leaves out amounts in {', '.join(name or 'no currency' for name in others)}.")
    return WeeklySection(
        key="money",
        title="Revenue at stake, saved and lost",
        lead=f"{open_revenue_text(figures.at_end, figures.complete)} {week_results(figures)}",
        lines=lines,
        chart=chart,
        table=_flow_table(figures),
        note=f"{AMOUNT_DEFINITION} The revenue at stake in a closed case is another figure: it can be more than what "
        "was saved or lost. Whether the accounts would have stayed anyway is another question: “Do rescues help?” "
        "answers it.",
        links=_closed_links(figures),
    )


def week_results(figures: WeeklyFigures) -> str:
    """What was saved and lost this week, and what of the saved is gone all the same, as a sentence."""
    week = figures.week
    saved = first_upper(outcome_text(week.saved, week.money_saved, "saved"))
    lost = outcome_text(week.lost, week.money_lost, "lost")
    return f"{saved} this week{gone_text(figures.week_gone)}, and {lost}."


def _moves(figures: WeeklyFigures, code: str) -> Iterator[str]:
    """How the revenue at the beginning of the week became that at its end, in the currency of the chart."""
    begin, end, moves = figures.at_begin, figures.at_end, figures.moves
    if not begin.cases:
        yield "No case was open at the beginning of the week."
        return
    yield f"At stake at the beginning of the week: {amounts_text(begin.revenue)} in {open_cases_text(begin)}."
    parts = [f"{begin.revenue.get(code, 0.0):,.0f} at the beginning"]
    if moves.opened.cases:
        parts.append(f"+ {moves.opened.revenue.get(code, 0.0):,.0f} in {plural(moves.opened.cases, 'case')} opened")
    closed = {"saved": moves.saved, "lost": moves.lost, "otherwise": moves.otherwise}
    if cases := sum(move.cases for move in closed.values()):
        revenue = sum(move.revenue.get(code, 0.0) for move in closed.values())
        ended = ", ".join(f"{move.cases:,} {outcome}" for outcome, move in closed.items() if move.cases)
        parts.append(f"− {revenue:,.0f} in {plural(cases, 'case')} closed ({ended})")
    unit = f" {code}" if code else ""
    total = f"{end.revenue.get(code, 0.0):,.0f}{unit}"
    yield f"{' '.join(parts)} = {total} at stake in open cases, each with its revenue of today."


def _closed_links(figures: WeeklyFigures) -> list[tuple[str, str]]:
    """The lists of the cases that were saved and lost in the week."""
    counts = (("saved", figures.week.saved), ("lost", figures.week.lost))
    return [
        (f"{plural(count, f'{state} case')}", f"/queue?state={state}&week={figures.code}")
        for state, count in counts
        if count
    ]


def months_section(figures: WeeklyFigures) -> WeeklySection:
    """What was saved and lost in this quarter and month, each beside the one before."""
    quarter, before = figures.months[:2]
    rows = [
        (
            _span_label(row),
            f"{row.opened:,}",
            *_outcome_cells(row),
        )
        for row in figures.months
    ]
    header = ("Period", "Opened", "Closed", "Saved", "Lost", "Revenue saved", "Revenue lost")
    lead = (
        f"This quarter{'' if quarter.complete else ' so far'} {_results(quarter)}; "
        f"in the quarter before, {_results(before) if before.opened or before.closed else 'there were no cases'}."
    )
    return WeeklySection(
        key="months",
        title="Months and quarters",
        lead=lead,
        table=WeeklyTable("Quarters and months", header, rows, frozenset(range(1, 7))),
    )


def _results(row: PeriodFlow) -> str:
    saved = f"{outcome_text(row.saved, row.money_saved, 'saved')}{gone_text(row.gone)}"
    return f"{saved} and {outcome_text(row.lost, row.money_lost, 'lost')}"


def _span_label(row: PeriodFlow) -> str:
    return f"{day_text(row.first)} to {day_text(row.last)}{'' if row.complete else ', so far'}"


def _flow_table(figures: WeeklyFigures) -> WeeklyTable:
    header = ("Week of", "Opened", "First contact", "Closed", "Saved", "Lost", "Revenue saved", "Revenue lost")
    rows = [
        (
            day_text(week.monday),
            f"{week.opened:,}",
            f"{week.contacted:,}",
            *_outcome_cells(week),
        )
        for week in reversed(figures.shown_flow)
    ]
    return WeeklyTable("The last weeks, the newest first", header, rows, frozenset(range(1, 8)))


def _outcome_cells(row: WeekFlow | PeriodFlow) -> tuple[str, ...]:
    """Closed, saved and lost cases, and the revenue saved and lost."""
    money = (amounts_text(amounts) if amounts else "–" for amounts in (row.money_saved, row.money_lost))
    return f"{row.closed:,}", f"{row.saved:,}", f"{row.lost:,}", *money


def _week_label(week: WeekFlow) -> str:
    return f"{week.monday.day} {week.monday:%b}"


def flow_section(figures: WeeklyFigures) -> WeeklySection:
    """How many cases came, were called, and ended."""
    week, before = figures.week, figures.before
    if not week.opened and not week.closed:
        lead = "No case was opened or closed this week."
    else:
        lead = (
            f"{plural(week.opened, 'case was', 'cases were')} opened (week before: {before.opened:,}), "
            f"{week.contacted:,} contacted for the first time ({before.contacted:,}), and {week.closed:,} closed "
            f"({before.closed:,})."
        )
    lines = [f"Open at the end: {plural(figures.at_end.cases, 'case')}; at the beginning: {figures.at_begin.cases:,}."]
    if figures.waiting:
        lines.append(
            f"Without a place on the last night, because the squads were full: {plural(figures.waiting, 'account')}."
        )
    chart = draw_bars(
        "Cases opened and closed by week",
        "number of cases",
        ("opened", "closed"),
        [(_week_label(it), (float(it.opened), float(it.closed))) for it in figures.shown_flow],
        lambda value: f"{value:,.0f}",
    )
    note = "A case counts in the week in which it was opened, first contacted, or closed with any outcome."
    return WeeklySection("flow", "Work of the team", lead, lines, chart, None, note)


def contact_section(figures: WeeklyFigures) -> WeeklySection:
    """The median time to the first contact, by period."""
    known = [(period, period.contact) for period in figures.periods if period.contact is not None]
    chart = draw_intervals(
        "Median time to the first contact",
        "working hours" if any(period.working_time for period, _ in known) else "hours",
        [(_period_label(period), *contact.median) for period, contact in known],
        hours_text,
    )
    newest = figures.periods[-1]
    if newest.contact is None:
        lead = (
            f"Too few cases to say how fast customers are called: the last {PERIOD_WEEKS} weeks have "
            f"{plural(newest.cases, 'new case')}, and {MIN_CASES} are needed."
        )
    elif isfinite(newest.contact.median.value):
        kind = " of working time" if newest.working_time else ""
        lead = (
            f"Half of the customers are contacted within {time_text(newest.contact.median)}{kind} after their case is "
            f"opened (95% interval in brackets; {newest.cases:,} cases of the last {PERIOD_WEEKS} weeks)."
        )
    else:
        lead = f"Fewer than half of the {newest.cases:,} cases of the last {PERIOD_WEEKS} weeks had a contact so far."
    note = (
        f"Cases by the {PERIOD_WEEKS} weeks in which they were opened. A case without a contact counts with its age so "
        "far."
    )
    return WeeklySection("contact", "Time to the first contact", lead, (), chart, None, note)


def _period_label(period: ContactPeriod) -> str:
    return f"{period.first.day} {period.first:%b} – {period.last.day} {period.last:%b}"
