"""The weekly report in words: sections that the page, the mail and the terminal show alike.

Whoever reads it pays for the team and works in none of its tools. So every section starts with one sentence that can be
read by itself, says what was counted, and gives an interval where a figure is an estimate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from serving.night_report.report_text import day_text, plural
from serving.weekly.result_sections import effect_section, left_section, losses_section, model_section
from serving.weekly.weekly_figures import WeeklyFigures
from serving.weekly.weekly_sections import (
    WeeklySection,
    WeeklyTable,
    WeeklyText,
    open_revenue_text,
)
from serving.weekly.work_sections import contact_section, flow_section, money_section, months_section, week_results


def write_week(figures: WeeklyFigures, today: date) -> WeeklyText:
    """The report of a week in words; ``today`` is for what is still expected."""
    scope = "all squads" if figures.squads is None else ", ".join(figures.squads) or "no squad"
    until = "" if figures.complete else ", not over yet: figures so far"
    summary = list(_summary(figures))
    return WeeklyText(
        title=f"Week of {day_text(figures.monday)}",
        subtitle=f"{day_text(figures.monday)} to {day_text(figures.sunday)} ({figures.code}{until}); {scope}",
        summary=summary,
        sections=[
            _without_summary(money_section(figures), summary),
            months_section(figures),
            flow_section(figures),
            contact_section(figures),
            losses_section(figures),
            left_section(figures),
            model_section(figures),
            effect_section(figures, today),
        ],
    )


def _without_summary(section: WeeklySection, summary: Sequence[str]) -> WeeklySection:
    """The section without the sentences that the summary of the report begins with, where it has them."""
    if section.lead != " ".join(summary[:2]):
        return section
    lead, *lines = section.lines
    return replace(section, lead=lead, lines=lines)


def _summary(figures: WeeklyFigures) -> Iterator[str]:
    """The three sentences for whoever reads no further."""
    week, open_now = figures.week, figures.at_end
    if not open_now.cases and not week.closed and not week.opened:
        yield "No case was open, opened or closed in this week."
        return
    yield open_revenue_text(open_now, figures.complete)
    yield week_results(figures)
    if open_now.not_contacted:
        waiting = plural(open_now.not_contacted, "open case has", "open cases have")
        yield f"{waiting} had no contact with the customer yet."


def week_as_text(text: WeeklyText, link: str = "") -> str:
    """The report as plain text, for the terminal and for mail programs that show no pages."""
    lines = [text.title, text.subtitle, "", *text.summary]
    for section in text.sections:
        lines += ["", section.title.upper(), section.lead, *(f"- {line}" for line in section.lines)]
        if section.table is not None:
            lines += _table_lines(section.table)
        if section.note:
            lines.append(f"({section.note})")
    if link:
        lines += ["", f"With charts: {link}"]
    return "\n".join(lines) + "\n"


def _table_lines(table: WeeklyTable) -> list[str]:
    """The rows that have something, each cell with the name of its column: no line depends on a fixed width."""
    lines = []
    for row in table.rows:
        named = zip(table.header[1:], row[1:], strict=True)
        cells = [f"{name.lower()} {cell}" for name, cell in named if cell not in {"–", "0"}]
        if cells:
            lines.append(f"  {row[0]}: {', '.join(cells)}")
    return [f"{table.caption}:", *lines] if lines else []
