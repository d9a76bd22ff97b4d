"""The page that ``rescue nightly`` prints: the queue first, then what was read, scored and decided, and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from pipelines.cli.output.terminal_tables import PRINTED_ROWS, fit_table, rest_line
from pipelines.console import out
from serving.night_report.decision_text import decision_lines
from serving.night_report.empty_queue import empty_queue_lines
from serving.night_report.queue_case import QueueCase
from serving.night_report.report_schema import NightReport
from serving.night_report.report_text import (
    day_text,
    extension_line,
    plural,
    quarantine_text,
    risk_line,
    unread_tables_line,
    warning_lines,
)

UNKNOWN = "–"
NARROW: Mapping[str, Any] = {"no_wrap": True}
NUMBER: Mapping[str, Any] = {"no_wrap": True, "justify": "right"}
LEAST_IMPORTANT = ("Owner", "Segment", "Lane", "Revenue", "Contract")
"""Columns that a narrow terminal leaves out, in this order."""


def show_night(report: NightReport) -> None:
    """Print the night for a person; plain text where the output is not a terminal."""
    if report.unchanged:
        out.print(
            f"The night of {day_text(report.as_of)} is already recorded (run {report.run_id}). Nothing was changed.\n"
        )
    out.print(f"[bold]Rescue queue, night of {day_text(report.as_of)}: {plural(len(report.queue), 'case')}[/bold]")
    if report.queue:
        out.print(queue_table(report.queue[:PRINTED_ROWS], [risk.name for risk in report.risks], report.as_of))
        if rest := rest_line(len(report.queue), "`rescue queue list --all` prints all of them"):
            out.print(rest)
    else:
        for line in empty_queue_lines(report):
            out.print(f"  {line}", markup=False)
    out.print(_rows_table(report))
    for line in _lines(report):
        out.print(line, markup=False)


def queue_table(queue: Sequence[QueueCase], risks: Sequence[str], report_day: date) -> Table:
    """The cases in the order in which to work them, with a column a risk; an empty column is left out.

    The days until a contract ends count from the day of the report.
    """
    columns = queue_columns(risks)
    rows = [{"#": str(rank), **_cells(case, risks, report_day)} for rank, case in enumerate(queue, 1)]
    shown = {name: layout for name, layout in columns.items() if any(row[name] != UNKNOWN for row in rows)}
    return fit_table(out, shown, [[escape(row[name]) for name in shown] for row in rows], LEAST_IMPORTANT)


def queue_columns(risks: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The columns of the night's queue, by title, with their layout."""
    return {
        "#": NUMBER,
        "Account": {"min_width": 18},
        "Segment": NARROW,
        "Owner": NARROW,
        "Lane": NARROW,
        "Revenue": NUMBER,
        **{risk_title(risk): NUMBER for risk in risks},
        "First reason": {"ratio": 1, "min_width": 20},
        "Contract": NARROW,
    }


def _cells(case: QueueCase, risks: Sequence[str], report_day: date) -> dict[str, str]:
    return {
        "Account": case.name or case.account_id,
        "Segment": case.segment or UNKNOWN,
        "Owner": case.owner or UNKNOWN,
        "Lane": lane_text(case.lane),
        "Revenue": revenue_text(case),
        **{risk_title(risk): percent(case.risks.get(risk)) for risk in risks},
        "First reason": case.first_reason or UNKNOWN,
        "Contract": contract_text(case, report_day),
    }


def risk_title(name: str) -> str:
    """The title of a risk's column."""
    return name.replace("_", " ").capitalize()


def percent(probability: float | None) -> str:
    """A probability as a whole percentage, or a dash."""
    return f"{probability:.0%}" if probability is not None else UNKNOWN


def lane_text(lane: str) -> str:
    """The lane of a case in words."""
    return lane.replace("_", " ")


def revenue_text(case: QueueCase) -> str:
    """Recurring revenue with its currency; ``unknown`` where it is."""
    return f"{case.arr:,.0f} {case.currency or ''}".strip() if case.arr is not None else "unknown"


def contract_text(case: QueueCase, day: date) -> str:
    """When the contract ends or renews: ``leaves in 9 days``, ``renewal 3 days overdue`` or the date of the renewal.

    Days count from ``day``.
    """
    if case.lane == "leaving" and case.ends_on:
        days = (case.ends_on - day).days
        if days == 0:
            return "leaves today"
        return f"leaves in {plural(days, 'day')}" if days > 0 else f"left on {day_text(case.ends_on)}"
    if case.renews_on and case.renews_on < day:
        return f"renewal {plural((day - case.renews_on).days, 'day')} overdue"
    return day_text(case.renews_on) if case.renews_on else UNKNOWN


def amount_text(amount: float | None) -> str:
    """An amount without decimals, or a dash."""
    return f"{amount:,.0f}" if amount is not None else UNKNOWN


def _rows_table(report: NightReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Table")
    for name in ("Rows", "Accepted", "Duplicates", "Quarantined"):
        table.add_column(name, justify="right")
    table.add_column("Rules broken")
    for rows in report.tables:
        numbers = (rows.rows, rows.accepted, rows.duplicates, sum(rows.quarantined.values()))
        name = f"{rows.name} (the team's own)" if rows.of_queue else rows.name
        table.add_row(name, *(f"{number:,}" for number in numbers), quarantine_text(rows))
    return table


def _lines(report: NightReport) -> Iterator[str]:
    if report.missing_tables:
        yield f"Not in the source: {', '.join(report.missing_tables)}."
    if unread := unread_tables_line(report):
        yield unread
    if unchanged := [
        _unchanged_text(rows.name, rows.files_read, rows.files_cached) for rows in report.tables if rows.files_cached
    ]:
        yield f"Unchanged since they were last read, so not read again: {', '.join(unchanged)}."
    if versions := [f"{risk.name} version {risk.model_version}" for risk in report.risks if risk.model_version]:
        yield f"Models: {', '.join(versions)}."
    for extension in report.extensions:
        yield f"Extension: {extension_line(extension)}"
    yield from map(risk_line, report.risks)
    yield from decision_lines(report.decision, report.cases)
    for warning in warning_lines(report):
        yield f"Warning: {warning}"
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in report.seconds.items())
    yield f"Time: {sum(report.seconds.values()):.1f} s ({steps})."


def _unchanged_text(table: str, read: int, cached: int) -> str:
    return f"{table} ({cached} of {read + cached} files)" if read else table
