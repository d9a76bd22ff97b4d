"""``rescue monitor``: feeds, labels, performance, estimates, drift, and the effect of the team."""

import json
from typing import TYPE_CHECKING

import typer

from pipelines import settings as configuration
from pipelines.cli.options import Data, Home, Json, Mapping, NightOf, parse_day
from pipelines.console import Steps, out
from serving.night_report.effect_text import effect_line, effect_outlook
from serving.night_report.monitor_text import alarm_line, dispute_lines, risk_lines
from serving.night_report.report_text import day_text, late_lines, plural

if TYPE_CHECKING:
    from serving.night_report.monitor_report import MonitorReport

ALARM = 3
"""The exit code where something needs attention."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Check feeds, labels, the models' performance, drift and effect.")(monitor)


def monitor(
    data: Data = None, as_of: NightOf = None, home: Home = None, mapping: Mapping = None, as_json: Json = False
) -> None:
    """Check feeds, labels, the performance of past nights, drift, and the effect of the team.

    No score and no case is changed; the report is stored for the review app. Ends with 3 where there is an alarm.
    """
    from pipelines.monitoring import monitor

    cutoff = parse_day(as_of, "--as-of")
    settings = configuration.load(data=data, home=home, mapping=mapping)
    report = monitor.monitor(settings, cutoff, Steps(quiet=as_json))
    if as_json:
        typer.echo(json.dumps(report.to_json()))
    else:
        _show(report)
    if report.alarms:
        raise typer.Exit(ALARM)


def _show(report: "MonitorReport") -> None:
    night = day_text(report.night) if report.night else "none"
    out.print(f"Cutoff {day_text(report.as_of)}; newest recorded night: {night}.", markup=False)
    ages = ", ".join(
        f"{feed.table} {'no rows' if feed.age_days is None else plural(feed.age_days, 'day')}{' (late)' * feed.late}"
        for feed in report.feeds
    )
    out.print(f"Age of the newest row: {ages}.", markup=False)
    for line in late_lines([feed for feed in report.feeds if feed.late and not feed.stale]):
        out.print(f"Warning: {line}", markup=False)
    for risk in report.risks:
        out.print(f"\n{risk.title}", markup=False)
        for title, text in risk_lines(risk):
            out.print(f"  {title}: {text}.", markup=False)
        lines = " ".join([effect_line(risk.effect), *effect_outlook(risk.effect, report.as_of)])
        out.print(f"  Effect of the team: {lines}", markup=False)
    out.print("", markup=False)
    for line in dispute_lines(report):
        out.print(line, markup=False)
    for alarm in report.alarms:
        word = "Alarm" if alarm.severity == "critical" else "Warning"
        out.print(f"{word}: {alarm_line(alarm)}", markup=False)
    if not report.alarms:
        out.print("No alarm.", markup=False)
