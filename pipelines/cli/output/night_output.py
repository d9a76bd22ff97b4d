"""The page of ``rescue nightly``: the queue first, then what the night read, what it left out, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from pipelines.cli.output.terminal_tables import fit_table
from pipelines.console import out
from pipelines.night.night_report import NightReport

DECIDED = ("flags", "raised again", "waiting", "held out", "suppressed")
"""Of the night's counts, those that a reader of the page asks for; the JSON has them all."""


UNKNOWN = "–"
NARROW: Mapping[str, Any] = {"no_wrap": True}
NUMBER: Mapping[str, Any] = {"no_wrap": True, "justify": "right"}
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "#": NUMBER,
    "Account": {"min_width": 18},
    "Segment": NARROW,
    "Owner": NARROW,
    "Revenue": NUMBER,
    "Churn": NUMBER,
    "Escalation": NUMBER,
    "First reason": {"ratio": 1, "min_width": 20},
    "Renews": NARROW,
}
SPARE = ("Owner", "Segment", "Renews", "Revenue")
"""What a narrow terminal has no room for, in the order in which it goes."""


def show_night(report: NightReport) -> None:
    """Print the night for a person; plain text where the output is no terminal."""
    if report.unchanged:
        out.print(f"The night of {report.as_of} is already recorded (run {report.run_id}); nothing was changed.\n")
    out.print(_headline(report))
    if report.queue:
        out.print(queue_table(report.queue))
    out.print(_data_table(report))
    for line in _notes(report):
        out.print(line, markup=False)


def queue_table(queue: Sequence[Mapping[str, Any]]) -> Table:
    """The cases in the order in which to work them; a column that nobody has a value in is left out."""
    rows = [{"#": str(rank), **_cells(case)} for rank, case in enumerate(queue, 1)]
    shown = {name: how for name, how in COLUMNS.items() if any(row[name] != UNKNOWN for row in rows)}
    return fit_table(out, shown, [[escape(row[name]) for name in shown] for row in rows], SPARE)


def _cells(case: Mapping[str, Any]) -> dict[str, str]:
    return {
        "Account": case["name"] or case["account_id"],
        "Segment": case["segment"] or UNKNOWN,
        "Owner": case["owner"] or UNKNOWN,
        "Revenue": f"{case['arr']:,.0f}" if case["arr"] is not None else UNKNOWN,
        "Churn": percent(case["risks"].get("churn")),
        "Escalation": percent(case["risks"].get("escalation")),
        "First reason": case["first_reason"] or UNKNOWN,
        "Renews": case["renews_on"] or UNKNOWN,
    }


def percent(probability: float | None) -> str:
    """A probability as a whole percentage, or a dash."""
    return f"{probability:.0%}" if probability is not None else UNKNOWN


def _headline(report: NightReport) -> str:
    count = len(report.queue)
    versions = ", ".join(f"{risk} model {version}" for risk, version in report.models.items())
    return f"[bold]Rescue queue, as of {report.as_of}[/bold]: {count} {'case' if count == 1 else 'cases'} ({versions})"


def _data_table(report: NightReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Read")
    for name in ("Rows", "Accepted", "Repeats", "Quarantined"):
        table.add_column(name, justify="right")
    table.add_column("Because")
    for name, counts in report.tables.items():
        bad = counts["quarantined"]
        numbers = (counts["rows"], counts["accepted"], counts["repeats"], sum(bad.values()))
        why = ", ".join(f"{rule.replace('_', ' ')} ({count})" for rule, count in bad.items())
        table.add_row(name, *(f"{number:,}" for number in numbers), why)
    return table


def _unread(name: str, read: int, kept: int) -> str:
    return f"{name} ({kept} of {read + kept} files)" if read else name


def _notes(report: NightReport) -> Iterable[str]:
    if report.missing:
        yield f"Not in the source: {', '.join(report.missing)}."
    if unread := [_unread(name, **files) for name, files in report.files.items() if files["kept"]]:
        yield f"Not checked again, unchanged since they were: {', '.join(unread)}."
    for risk, scored in report.scored.items():
        left = report.not_scored.get(risk, {})
        why = "; ".join(f"{count:,} {reason}" for reason, count in sorted(left.items()))
        yield f"{risk.capitalize()}: {scored:,} accounts scored" + (f"; not scored: {why}." if why else ".")
    told = [f"{report.counts.get(name, 0):,} {name}" for name in DECIDED]
    yield f"Decided: {', '.join(told)}."
    for warning in report.warnings:
        yield f"Mind: {warning}."
    total = sum(report.seconds.values())
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in report.seconds.items())
    yield f"Time: {total:.1f} s ({steps})."
